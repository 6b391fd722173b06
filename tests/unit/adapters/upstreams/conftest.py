"""Both event loops for what lies directly on one: asyncio's own, and the one that `serve` uses."""

import asyncio

import uvloop

ON_BOTH = {"test_connection", "test_pool", "test_http", "test_http_ends", "test_http_places"}


def pytest_asyncio_loop_factories(config, item):
    """Return the loops for a test."""
    if item.path.stem in ON_BOTH:
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}
