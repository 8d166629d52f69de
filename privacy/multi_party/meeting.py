"""How parties find each other: each listens, dials those before it in the list, and checks who is there."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from privacy.multi_party.certificates import Credentials
from privacy.multi_party.computation import Computation, Party
from privacy.multi_party.errors import PartyGoneError, UntrustedPartyError
from privacy.multi_party.links import LOST, Link

PAUSE_SECONDS = 0.05  # between two attempts to reach a party that does not listen yet
BUFFER = 1 << 22


@asynccontextmanager
async def meeting(computation: Computation, own: Credentials, patience: float) -> AsyncIterator[dict[str, Link]]:
    """A link to every other party by name. patience: seconds for all to come, and later for each message.

    Raises PartyGoneError or UntrustedPartyError.
    """
    place = computation.names.index(own.name)
    before, after = computation.parties[:place], computation.names[place + 1 :]
    guests = _Guests(after, patience)
    here = computation.parties[place]
    server = await _listen(here, guests, own.context(server=True))
    links: dict[str, Link] = {}
    try:
        context = own.context(server=False)
        for party in before:
            links[party.name] = await _dial(party, context, patience)
        links |= await guests.all_here()
        server.close()
        yield links
    finally:
        server.close()
        for link in (*links.values(), *guests.links.values()):
            await link.close()


async def _listen(here: Party, guests: _Guests, context: ssl.SSLContext) -> asyncio.Server:
    try:
        return await asyncio.start_server(
            guests.welcome, here.host, here.port, ssl=context, limit=BUFFER, ssl_handshake_timeout=guests.patience
        )
    except OSError as error:
        raise PartyGoneError(
            f"{here.name} cannot listen on {here.host}:{here.port} ({error.strerror}); agree on another address"
        ) from None


class _Guests:
    """Parties that dialled in. Whoever has no certificate of the authority, or is not expected, is turned away."""

    def __init__(self, expected: tuple[str, ...], patience: float) -> None:
        self.links: dict[str, Link] = {}
        self.patience = patience
        self._expected = frozenset(expected)
        self._complete = asyncio.Event()
        if not expected:
            self._complete.set()

    async def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep the connection of an expected party; close any other."""
        found = self._expected & names_of(writer) - self.links.keys()
        if len(found) != 1:
            writer.close()
            return
        (name,) = found
        self.links[name] = Link(name, reader, writer, self.patience)
        if self.links.keys() == self._expected:
            self._complete.set()

    async def all_here(self) -> dict[str, Link]:
        """Everybody that was expected. Raises PartyGoneError."""
        try:
            async with asyncio.timeout(self.patience):
                await self._complete.wait()
        except TimeoutError:
            missing = ", ".join(sorted(self._expected - self.links.keys()))
            raise PartyGoneError(
                f"after {self.patience:g} s there is still no {missing} with a certificate of this authority; "
                "there is no result. Start all parties again"
            ) from None
        return self.links


async def _dial(party: Party, context: ssl.SSLContext, patience: float) -> Link:
    try:
        async with asyncio.timeout(patience):
            while True:
                try:
                    reader, writer = await asyncio.open_connection(
                        party.host, party.port, ssl=context, server_hostname=party.name, limit=BUFFER
                    )
                    return Link(party.name, reader, writer, patience)
                except ssl.SSLCertVerificationError:
                    raise UntrustedPartyError(
                        f"who listens at {party.host}:{party.port} has no certificate of {party.name} from this "
                        "authority; nothing was sent. Check the address and the certificates"
                    ) from None
                except LOST:
                    await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError:
        raise PartyGoneError(
            f"party {party.name} is not at {party.host}:{party.port} after {patience:g} s; start all parties again"
        ) from None


def names_of(writer: asyncio.StreamWriter) -> frozenset[str]:
    """The names in a peer's certificate, which TLS has checked."""
    certificate = writer.get_extra_info("peercert") or {}
    return frozenset(value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS")
