"""The embedded provider as a listening server, and a sidecar in front of it as a process."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import openai
import pytest

from adapters.upstreams.scripted import ScriptedProvider
from tests.support.sidecar import KEY, SidecarProcess, write_config

PROVIDER_KEY = "sk-provider-side-0000"


@pytest.fixture
async def provider() -> AsyncIterator[ScriptedProvider]:
    one = ScriptedProvider(api_key=PROVIDER_KEY, capture=True)
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
async def spare() -> AsyncIterator[ScriptedProvider]:
    one = ScriptedProvider(api_key=PROVIDER_KEY, capture=True)
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., SidecarProcess]]:
    """Starts sidecars over the folder `tmp_path`, with a config made of the arguments."""
    running: list[SidecarProcess] = []

    def begin(upstreams: dict[str, str], edit=None, **options) -> SidecarProcess:
        path = write_config(tmp_path, upstreams, **options)
        if edit is not None:
            path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
        one = SidecarProcess(
            "serve", "--config", str(path), env={"TEST_PROVIDER_KEY": PROVIDER_KEY}
        )
        running.append(one)
        return one

    yield begin
    for one in running:
        one.stop()


@pytest.fixture
def sidecar(start, provider: ScriptedProvider) -> SidecarProcess:
    return start({"main": provider.url})


@pytest.fixture
def connect() -> Callable[..., openai.AsyncOpenAI]:
    """Makes SDK clients that differ from an application's in nothing but the base URL."""

    def client(sidecar: SidecarProcess, key: str = KEY, **options) -> openai.AsyncOpenAI:
        options.setdefault("max_retries", 0)
        return openai.AsyncOpenAI(base_url=sidecar.url + "/v1", api_key=key, **options)

    return client


@pytest.fixture
async def client(sidecar: SidecarProcess, connect) -> AsyncIterator[openai.AsyncOpenAI]:
    async with connect(sidecar) as one:
        yield one
