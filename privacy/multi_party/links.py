"""Messages between two parties over mutual TLS: a fixed header, a body of exactly the length that is due, a time limit.

No Python objects are read from the wire, and nothing is read beyond what the protocol expects next.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from dataclasses import dataclass
from enum import IntEnum

from privacy.multi_party.errors import MalformedMessageError, PartyAbortedError, PartyGoneError

HEADER = struct.Struct("!4sBQ")  # magic, kind, length of the body
MAGIC = b"LMP1"
CHUNK = 1 << 20
LOST = (OSError, EOFError, ssl.SSLError)


class Kind(IntEnum):
    """The messages, in the order in which they are sent."""

    HELLO = 1
    SEED = 2
    PIECE = 3
    TOTAL = 4
    CONFIRM = 5
    ABORT = 9


@dataclass(frozen=True, slots=True)
class Link:
    """A connection to one other party, whose certificate was checked. patience: seconds for one message."""

    peer: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    patience: float

    async def send(self, kind: Kind, *parts: bytes) -> None:
        """Send one message. Raises PartyGoneError."""
        try:
            async with asyncio.timeout(self.patience):
                self.writer.write(HEADER.pack(MAGIC, kind, sum(map(len, parts))))
                for part in parts:
                    for start in range(0, len(part), CHUNK):
                        self.writer.write(memoryview(part)[start : start + CHUNK])
                        await self.writer.drain()
        except (TimeoutError, *LOST) as error:
            raise self._gone(kind, error) from None

    async def receive(self, kind: Kind, length: int) -> bytes:
        """The body of the next message, which must be of this kind and length; its length is checked before it is read.

        Raises PartyGoneError, PartyAbortedError or MalformedMessageError.
        """
        try:
            async with asyncio.timeout(self.patience):
                magic, found, n = HEADER.unpack(await self.reader.readexactly(HEADER.size))
                if magic == MAGIC and found == Kind.ABORT:
                    raise PartyAbortedError(f"party {self.peer} gave up; see its own message. There is no result")
                if magic != MAGIC or found != kind:
                    raise MalformedMessageError(
                        f"party {self.peer} sent message {found} where {kind.name.lower()} was due; there is no result"
                    )
                if n != length:
                    raise MalformedMessageError(
                        f"the {kind.name.lower()} of party {self.peer} has {n} bytes where {length} were agreed; "
                        "nothing of it was read and there is no result"
                    )
                return await self.reader.readexactly(length)
        except (TimeoutError, *LOST) as error:
            raise self._gone(kind, error) from None

    async def abort(self) -> None:
        """Tell the peer that there will be no result, if it can still be told."""
        try:
            async with asyncio.timeout(1):
                self.writer.write(HEADER.pack(MAGIC, Kind.ABORT, 0))
                await self.writer.drain()
        except (TimeoutError, *LOST):
            return

    async def close(self) -> None:
        """End the connection."""
        self.writer.close()
        try:
            async with asyncio.timeout(1):
                await self.writer.wait_closed()
        except (TimeoutError, *LOST):
            return

    def _gone(self, kind: Kind, error: BaseException) -> PartyGoneError:
        how = f"kept us waiting for {self.patience:g} s" if isinstance(error, TimeoutError) else "left"
        return PartyGoneError(
            f"party {self.peer} {how} at {kind.name.lower()}; there is no result and nothing of it is known. "
            "Start all parties again"
        )
