"""All parties of a computation on one machine, each in a process of its own, with an authority made for the occasion.

For trying a computation out, for tests and for benchmarks: whoever rehearses holds everybody's values anyway.
"""

from __future__ import annotations

import multiprocessing
import secrets
import socket
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from privacy.multi_party import certificates, shares
from privacy.multi_party.certificates import Credentials
from privacy.multi_party.computation import Computation, Floats, Party, Result
from privacy.multi_party.errors import MultiPartyError, MultiPartyInputError, PartyGoneError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What every party got, equal for all; seconds of the slowest one by the clock, and of all by their processors."""

    result: Result
    seconds: float
    cpu_seconds: float


def rehearse(computation: Computation, values: dict[str, Floats], folder: Path, *, patience: float = 60.0) -> Rehearsed:
    """Run every party over loopback. folder: for keys and certificates. Raises MultiPartyError."""
    if values.keys() != set(computation.names):
        raise MultiPartyInputError(f"values are needed of each of {', '.join(computation.names)}, and of nobody else")
    local = replace(computation, parties=_on_loopback(computation.names))
    certify(folder, computation.names)
    context = multiprocessing.get_context("spawn")
    running = []
    for name in computation.names:
        ours, theirs = context.Pipe()
        process = context.Process(target=_act, args=(theirs, local, Credentials(folder, name), patience), daemon=True)
        process.start()
        theirs.close()
        running.append((name, process, ours))
    try:
        for name, _, pipe in running:  # everybody is awake: what is measured is the computation, not Python's start
            if not pipe.poll(patience):
                raise PartyGoneError(f"the process of party {name} did not start in {patience:g} s; there is no result")
            pipe.recv()
        for name, _, pipe in running:
            pipe.send(values[name])
        return _gathered([(name, pipe) for name, _, pipe in running])
    except EOFError:
        raise PartyGoneError("a party's process ended before it was done; there is no result") from None
    finally:
        for _, process, _ in running:
            process.join(1)
            process.kill()


def certify(folder: Path, names: tuple[str, ...]) -> None:
    """An authority and a certificate for each name, in one folder."""
    now = datetime.now(UTC)
    certificates.found_authority(folder, now=now)
    for name in names:
        certificates.sign(folder, certificates.ask(folder, name), name, now=now)


def _gathered(pipes: list[tuple[str, Connection]]) -> Rehearsed:
    said = [pipe.recv() for _, pipe in pipes]
    if errors := [answer for answer in said if isinstance(answer, MultiPartyError)]:
        raise errors[0]
    results = [result for result, *_ in said]
    if any(result != results[0] for result in results):
        raise MultiPartyError("parties report different results; report this")
    return Rehearsed(results[0], max(seconds for _, seconds, _ in said), sum(cpu for *_, cpu in said))


def _act(pipe: Connection, computation: Computation, credentials: Credentials, patience: float) -> None:
    from privacy.multi_party.party import take_part

    shares.stretch(bytes(shares.SEED_BYTES), 1)  # imports what it needs
    pipe.send("awake")
    values = pipe.recv()
    began, worked = time.perf_counter(), time.process_time()
    try:
        result = take_part(computation, credentials, values, entropy=secrets.token_bytes, patience=patience)
    except MultiPartyError as error:
        pipe.send(error)
        return
    pipe.send((result, time.perf_counter() - began, time.process_time() - worked))


def _on_loopback(names: tuple[str, ...]) -> tuple[Party, ...]:
    """A free port each; they are free now, and taken in a moment."""
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in names]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return tuple(Party(name, LOOPBACK, port) for name, port in zip(names, ports, strict=True))
