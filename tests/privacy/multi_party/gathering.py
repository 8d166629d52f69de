"""Parties in one event loop over real TLS sockets, and peers that do not do as agreed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from privacy.multi_party.certificates import Credentials
from privacy.multi_party.computation import SUM, Computation, Floats, Party
from privacy.multi_party.links import Link
from privacy.multi_party.meeting import meeting
from privacy.multi_party.party import summed
from privacy.multi_party.shares import Words

NAMES = ("north", "south", "west")
PATIENCE = 10.0
Others = list[Link]
Act = Callable[[Others], Awaitable[Any]]


def computation(**changes: Any) -> Computation:
    """A sum of four numbers among three parties, on ports that are free now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in NAMES]
    parties = tuple(Party(name, "127.0.0.1", s.getsockname()[1]) for name, s in zip(NAMES, sockets, strict=True))
    for s in sockets:
        s.close()
    return replace(Computation("test", SUM, parties, length=4), **changes)


def random(seed: int) -> Callable[[int], bytes]:
    return np.random.default_rng(seed).bytes


async def honest(
    agreed: Computation, folder: Path, name: str, values: Floats, patience: float = PATIENCE
) -> Words | Exception:
    """What an honest party gets: the sum, or the error that it reports."""
    try:
        credentials = Credentials(folder, name)
        return await summed(agreed, credentials, agreed.vector(values), random(hash(name) % 99), patience)
    except Exception as error:  # noqa: BLE001 - it is what the test looks at
        return error


async def acting(agreed: Computation, folder: Path, name: str, act: Act, patience: float = PATIENCE) -> None:
    """A party that meets the others and then does something of its own."""
    async with meeting(agreed, Credentials(folder, name), patience) as links:
        try:
            await act([links[other] for other in agreed.names if other != name])
        except Exception:  # noqa: BLE001 - what becomes of a liar is no matter
            return


def run(*parties: Awaitable[Any]) -> list[Any]:
    """All of them at once, and what they got."""

    async def together() -> list[Any]:
        async with asyncio.timeout(60):
            return await asyncio.gather(*parties)

    return asyncio.run(together())
