"""Background tasks that are never lost: each is referenced until it ends and its failure logged.

The only place that starts tasks. A failure is logged by the task's name and the error's type
alone, since an error's text might hold something from a call.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_running: set[asyncio.Task[Any]] = set()


def spawn(coro: Coroutine[Any, Any, _T], name: str) -> asyncio.Task[_T]:
    """Start `coro` as a task called `name` (fixed words, nothing from a call) and return it."""
    task = asyncio.create_task(coro, name=name)  # noqa: TID251 - this is the one place
    _running.add(task)
    task.add_done_callback(_ended)
    return task


async def drain(seconds: float) -> int:
    """Wait for this loop's tasks to end, at most `seconds`; cancel the rest, return how many."""
    current = asyncio.current_task()
    loop = asyncio.get_running_loop()
    mine = {task for task in _running if task.get_loop() is loop and task is not current}
    if not mine:
        return 0
    _, late = await asyncio.wait(mine, timeout=seconds)
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=1.0)
    return len(late)


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is not None:
        _log.error("task `%s` failed with %s", task.get_name(), type(error).__name__)
