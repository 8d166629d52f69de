"""One party's part in a computation: agree on what, split, add up, open, and compare. Sockets are links' and meeting's.

Additive sharing among all parties, as in the sum protocol of Cramer, Damgård and Nielsen 2015 (section 3.2): secure
against parties that follow the protocol and pool what they see, as long as two of them do not.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from privacy.multi_party import shares
from privacy.multi_party.certificates import Credentials
from privacy.multi_party.computation import Computation, Floats, Result
from privacy.multi_party.errors import (
    DifferentComputationError,
    InconsistentResultError,
    MalformedMessageError,
    MultiPartyInputError,
)
from privacy.multi_party.links import Kind, Link
from privacy.multi_party.meeting import meeting
from privacy.multi_party.shares import SEED_BYTES, Words

Entropy = Callable[[int], bytes]
T = TypeVar("T")
DIGEST_BYTES = 32


def take_part(
    computation: Computation, credentials: Credentials, values: Floats, *, entropy: Entropy, patience: float = 60.0
) -> Result:
    """Compute with the others and return what all of them get. values (n,): this party's own.

    Raises MultiPartyError (see errors); then there is no result, and no part of one.
    """
    vector = computation.checked().vector(values)
    if credentials.name not in computation.names:
        raise MultiPartyInputError(f"{credentials.name} is no party of {computation.name}")
    return computation.result(asyncio.run(summed(computation, credentials, vector, entropy, patience)))


async def summed(
    computation: Computation, credentials: Credentials, vector: Words, entropy: Entropy, patience: float
) -> Words:
    """The sum of all parties' vectors, (size,)."""
    async with meeting(computation, credentials, patience) as links:
        others = [links[name] for name in computation.names if name != credentials.name]
        try:
            return await _computed(computation, credentials.name, others, vector, entropy)
        except BaseException:
            await asyncio.gather(*(link.abort() for link in others))
            raise


async def _computed(computation: Computation, name: str, others: list[Link], vector: Words, entropy: Entropy) -> Words:
    session = await _agree(computation, name, others, entropy(DIGEST_BYTES))
    own_total = await _split(computation, name, others, vector, entropy)
    total = await _open(session, others, own_total)
    await _compare(session, others, total)
    return total


async def _agree(computation: Computation, name: str, others: list[Link], nonce: bytes) -> bytes:
    """A name for this run that everybody had a part in. Raises DifferentComputationError before anything is shared."""
    digest = computation.digest()

    async def greet(link: Link) -> tuple[str, bytes]:
        said = await _exchange(link, Kind.HELLO, (digest, nonce), DIGEST_BYTES + len(nonce))
        if said[:DIGEST_BYTES] != digest:
            raise DifferentComputationError(
                f"party {link.peer} has another description of the computation; nothing was shared. Compare the files"
            )
        return link.peer, said[DIGEST_BYTES:]

    nonces = dict(await _together(greet(link) for link in others)) | {name: nonce}
    return hashlib.sha256(digest + b"".join(nonces[n] for n in computation.names)).digest()


async def _split(computation: Computation, name: str, others: list[Link], vector: Words, entropy: Entropy) -> Words:
    """The sum of the pieces that this party holds, its own included: random while one other piece is unknown."""
    n, own, size = len(computation.names), computation.names.index(name), len(vector)
    seeds = shares.seeds_for(own, n, entropy(SEED_BYTES * (n - 1)))
    long_piece = shares.to_bytes(shares.remainder(vector, seeds.values()))

    async def trade(link: Link) -> Words:
        place = computation.names.index(link.peer)
        give = (Kind.SEED, seeds[place]) if place in seeds else (Kind.PIECE, long_piece)
        if shares.taker_of_remainder(place, n) == own:
            _, body = await _both(link.send(*give), link.receive(Kind.PIECE, 8 * size))
            return shares.from_bytes(body)
        _, body = await _both(link.send(*give), link.receive(Kind.SEED, SEED_BYTES))
        return shares.stretch(body, size)

    pieces = await _together(trade(link) for link in others)
    return shares.added([shares.stretch(seeds[own], size), *pieces], size)


async def _open(session: bytes, others: list[Link], own_total: Words) -> Words:
    """Everybody's sum of pieces added up, (size,): the sum of the vectors."""
    body, size = shares.to_bytes(own_total), len(own_total)

    async def show(link: Link) -> Words:
        said = await _exchange(link, Kind.TOTAL, (session, body), DIGEST_BYTES + 8 * size)
        if said[:DIGEST_BYTES] != session:
            raise MalformedMessageError(f"party {link.peer} answered in another session; there is no result")
        return shares.from_bytes(memoryview(said)[DIGEST_BYTES:])

    return shares.added([own_total, *await _together(show(link) for link in others)], size)


async def _compare(session: bytes, others: list[Link], total: Words) -> None:
    """Raises InconsistentResultError unless all parties arrived at the same sum."""
    found = hashlib.sha256(session + shares.to_bytes(total)).digest()

    async def check(link: Link) -> None:
        if await _exchange(link, Kind.CONFIRM, (found,), DIGEST_BYTES) != found:
            raise InconsistentResultError(
                f"party {link.peer} arrived at another result: somebody told parties different things; there is none"
            )

    await _together(check(link) for link in others)


async def _exchange(link: Link, kind: Kind, parts: tuple[bytes, ...], length: int) -> bytes:
    """Send and receive at once: two parties that both send first, and wait, would wait for ever."""
    _, body = await _both(link.send(kind, *parts), link.receive(kind, length))
    return body


async def _both(sending: Awaitable[None], receiving: Awaitable[bytes]) -> tuple[None, bytes]:
    return await asyncio.gather(sending, receiving)


async def _together(awaited: Iterable[Awaitable[T]]) -> list[T]:
    """All of them at once; the first that fails ends the others."""
    tasks = [asyncio.ensure_future(one) for one in awaited]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
