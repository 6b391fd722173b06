"""Background tasks are kept, their failures logged by name alone, and waited for at the end."""

import asyncio
import gc

import pytest

from proxy.tasks import drain, spawn


async def test_a_task_gives_its_result() -> None:
    async def work() -> int:
        return 7

    assert await spawn(work(), "work") == 7


async def test_a_failure_is_logged_by_name_and_type_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        raise ValueError("of Anna O'Donnell")

    task = spawn(work(), "feed")
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert "task `feed` failed with ValueError" in caplog.text
    assert "Anna" not in caplog.text


async def test_a_task_that_nobody_holds_is_not_collected() -> None:
    done = asyncio.Event()
    go = asyncio.Event()

    async def work() -> None:
        await go.wait()
        done.set()

    spawn(work(), "kept")
    await asyncio.sleep(0)
    gc.collect()
    go.set()
    await asyncio.wait_for(done.wait(), 10)


async def test_draining_waits_for_what_ends_and_cancels_what_does_not() -> None:
    ended = []

    async def quick() -> None:
        await asyncio.sleep(0)
        ended.append("quick")

    async def stuck() -> None:
        await asyncio.Event().wait()

    spawn(quick(), "quick")
    task = spawn(stuck(), "stuck")
    assert await drain(0.05) == 1
    assert ended == ["quick"]
    assert task.cancelled()
    assert await drain(0.05) == 0


async def test_a_task_that_drains_does_not_wait_for_itself() -> None:
    assert await asyncio.wait_for(spawn(drain(5), "closing"), 10) == 0
