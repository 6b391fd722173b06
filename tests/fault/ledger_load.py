"""A process that does nothing but write evidence, to be killed: `ledger_load.py FOLDER RUN`.

It prints a line for every entry that was acknowledged, after it was.
"""

import asyncio
import itertools
import sys
from pathlib import Path

from adapters.errors import StoreUnavailable
from adapters.stores.segments.store import SegmentStore
from proxy.ledger import Ledger
from tests.support.ledger_log import an_intent, an_outcome, keys_in


class _Clock:
    def wall(self) -> float:
        return 1_700_000_100.0

    def monotonic(self) -> float:
        return 0.0


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def _load(folder: Path, run: str) -> None:
    keys = keys_in(folder)
    store = SegmentStore(folder / "log", keys, segment_bytes=40_000, floor_bytes=0)
    ledger = Ledger(store, keys, _Clock())
    _say("recovered", await ledger.recover())
    numbers = itertools.count()

    async def calls() -> None:
        for number in numbers:
            name = f"{run}-{number}"
            ref = await ledger.intent(an_intent(name))
            _say("intent", name)
            await ledger.outcome(an_outcome(name), ref)
            _say("outcome", name)

    try:
        await asyncio.gather(*(calls() for _ in range(8)))
    except StoreUnavailable as error:
        _say("unavailable", error)
    _say("dead", ledger.dead)
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(_load(Path(sys.argv[1]), sys.argv[2]))
