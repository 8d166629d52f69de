"""A federation over mutual TLS: the server asks, silos answer. Sockets only: what is said is ml.federated.wire's."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ml.federated.errors import FederatedError, FederatedInputError, ForgedMessageError, TooFewSilosError
from ml.federated.wire import MOST_TEXT, Remote, answer

if TYPE_CHECKING:
    from ml.federated.agreement import Agreement
    from ml.federated.messages import Participant
    from ml.federated.model import LinearModel
    from privacy.multi_party.certificates import Credentials

HEADER = struct.Struct("!4sQ")
MAGIC = b"LFD1"
DIGEST = 32


class SiloGoneError(FederatedError):
    """A silo, or for a silo the server, that left or kept the other waiting."""


def send(line: ssl.SSLSocket, text: bytes) -> None:
    """Send one message. Raises SiloGoneError."""
    try:
        line.sendall(HEADER.pack(MAGIC, len(text)))
        line.sendall(text)
    except OSError as error:
        raise SiloGoneError(f"the other side left ({type(error).__name__}); nothing more is asked of it") from None


def receive(line: ssl.SSLSocket, most: int) -> bytes:
    """One message of at most so many bytes; a longer one is not read. Raises SiloGoneError or ForgedMessageError."""
    magic, n = HEADER.unpack(_exactly(line, HEADER.size))
    if magic != MAGIC or n > most:
        raise ForgedMessageError(f"a message is none of ours, or longer than the {most} bytes agreed; it is not read")
    return _exactly(line, n)


def _exactly(line: ssl.SSLSocket, n: int) -> bytes:
    found = bytearray(n)
    view, done = memoryview(found), 0
    try:
        while done < n:
            if not (step := line.recv_into(view[done:])):
                raise SiloGoneError("the other side closed the line; nothing more is asked of it")
            done += step
    except OSError as error:
        raise SiloGoneError(f"the other side is silent or left ({type(error).__name__})") from None
    return bytes(found)


@contextmanager
def gathered(
    agreement: Agreement, credentials: Credentials, threshold: int, patience: float
) -> Iterator[dict[int, Remote]]:
    """The silos that came within `patience` seconds, by number, each known by its certificate.

    Raises TooFewSilosError.
    """
    lines: dict[int, ssl.SSLSocket] = {}
    ends_at = time.monotonic() + patience
    context = credentials.context(server=True)
    with socket.create_server((agreement.host, agreement.port)) as listening:
        while len(lines) < len(agreement.silos) and (left := ends_at - time.monotonic()) > 0:
            listening.settimeout(left)
            with contextlib.suppress(OSError, FederatedError):
                raw, _ = listening.accept()
                raw.settimeout(min(left, patience))
                number, line = _welcomed(context.wrap_socket(raw, server_side=True), agreement)
                line.settimeout(patience)
                lines.setdefault(number, line)
    try:
        if len(lines) < threshold:
            raise TooFewSilosError(
                f"{len(lines)} of {len(agreement.silos)} silos came in {patience:g} s, {threshold} must; start again"
            )
        yield {number: Remote(_Exchange(line)) for number, line in sorted(lines.items())}
    finally:
        for line in lines.values():
            line.close()


def _welcomed(line: ssl.SSLSocket, agreement: Agreement) -> tuple[int, ssl.SSLSocket]:
    certificate = line.getpeercert() or {}
    alternatives: tuple[tuple[str, str], ...] = certificate.get("subjectAltName", ())  # type: ignore[assignment]
    numbers = [agreement.numbers()[name] for kind, name in alternatives if name in agreement.numbers()]
    said = receive(line, DIGEST)
    send(line, agreement.digest())
    if len(numbers) != 1 or said != agreement.digest():
        line.close()
        raise FederatedInputError("a silo is not of this agreement")
    return numbers[0], line


class _Exchange:
    """Questions over one line. After a failure the line is closed: an answer that comes too late must not be taken."""

    def __init__(self, line: ssl.SSLSocket) -> None:
        self._line: ssl.SSLSocket | None = line

    def __call__(self, question: bytes, most: int) -> bytes:
        if self._line is None:
            raise SiloGoneError("the silo left in an earlier round")
        try:
            send(self._line, question)
            return receive(self._line, max(most, 1024))
        except FederatedError:
            self._line.close()
            self._line = None
            raise


def taken_part(agreement: Agreement, credentials: Credentials, member: Participant, patience: float) -> LinearModel:
    """Answer the server until it tells the model. Raises SiloGoneError or FederatedInputError."""
    with _dialled(agreement, credentials, patience) as line:
        line.settimeout(patience)
        send(line, agreement.digest())
        if receive(line, DIGEST) != agreement.digest():
            raise FederatedInputError("the server has another agreement; nothing was computed. Compare the files")
        while True:
            said, model = answer(member, receive(line, MOST_TEXT))
            send(line, said)
            if model is not None:
                return model


def _dialled(agreement: Agreement, credentials: Credentials, patience: float) -> ssl.SSLSocket:
    context, ends_at = credentials.context(server=False), time.monotonic() + patience
    while True:
        try:
            raw = socket.create_connection((agreement.host, agreement.port), timeout=patience)
            return context.wrap_socket(raw, server_hostname=agreement.server)
        except ssl.SSLCertVerificationError:
            raise FederatedInputError(
                f"who listens at {agreement.host}:{agreement.port} has no certificate of {agreement.server}; "
                "nothing was sent"
            ) from None
        except OSError as error:
            if time.monotonic() > ends_at:
                raise SiloGoneError(f"the server is not at {agreement.host}:{agreement.port} ({error})") from None
            time.sleep(0.1)


def tell(silos: Mapping[int, Remote], model: LinearModel) -> int:
    """Tell the model to everybody who still listens; returns to how many."""
    told = 0
    for silo in silos.values():
        with contextlib.suppress(FederatedError):
            silo.done(model)
            told += 1
    return told
