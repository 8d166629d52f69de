"""The peer of multi_party.py: mpyc's sum, mean and histogram among three local processes, as JSON with seconds.

Run by the interpreter of an environment with mpyc: python mpyc_peer.py -M3 VALUES.json (a list of whole numbers each),
or python mpyc_peer.py -M3 LENGTH for the seconds of a vector sum of that length.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

EDGES = (-100, 0, 100)


async def main() -> None:
    from mpyc.runtime import mpc

    wish = sys.argv[-1]
    whole = mpc.SecInt(64)
    await mpc.start()
    if wish.isdigit():
        printed: dict[str, Any] = await timed(mpc, whole, int(wish))
    else:
        printed = await statistics(mpc, whole, json.loads(Path(wish).read_text())[mpc.pid])
    await mpc.shutdown()
    if mpc.pid == 0:
        sys.stdout.write(json.dumps(printed) + "\n")


async def timed(mpc: Any, whole: Any, length: int) -> dict[str, Any]:
    """Seconds of one vector sum, shares in and result out."""
    own = [whole(i % 1000) for i in range(length)]
    began = time.perf_counter()
    await summed(mpc, own)
    return {"length": length, "seconds": time.perf_counter() - began}


async def statistics(mpc: Any, whole: Any, own: list[int]) -> dict[str, Any]:
    """The sum of all vectors, the total and number of values, and the values by bin."""
    bins = [0] * (len(EDGES) + 1)
    for value in own:
        bins[sum(value >= edge for edge in EDGES)] += 1
    found = await summed(mpc, [whole(v) for v in (*own, sum(own), len(own), *bins)])
    n = len(own)
    return {"sum": found[:n], "total": found[n], "n": found[n + 1], "histogram": found[n + 2 :]}


async def summed(mpc: Any, own: list[Any]) -> list[int]:
    """Every party's vector added up and opened."""
    shared = mpc.input(own)
    total = shared[0]
    for other in shared[1:]:
        total = mpc.vector_add(total, other)
    return [int(value) for value in await mpc.output(total)]


if __name__ == "__main__":
    from mpyc.runtime import mpc

    mpc.run(main())
