"""Parties get the exact result together, or all of them get a clear error and nothing of it."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from privacy.multi_party import party, shares
from privacy.multi_party.certificates import Credentials
from privacy.multi_party.errors import (
    DifferentComputationError,
    InconsistentResultError,
    MalformedMessageError,
    MultiPartyError,
    MultiPartyInputError,
    PartyAbortedError,
    PartyGoneError,
    UntrustedPartyError,
)
from privacy.multi_party.links import HEADER, MAGIC, Kind
from privacy.multi_party.rehearsal import certify
from tests.privacy.multi_party import gathering
from tests.privacy.multi_party.gathering import NAMES, Others, acting, computation, honest, run

VALUES = {name: np.array([i, 2.5 * i, -1.0, 100.25]) for i, name in enumerate(NAMES)}


def test_all_parties_get_the_exact_sum(authority: Path) -> None:
    agreed = computation()
    found = run(*(honest(agreed, authority, name, VALUES[name]) for name in NAMES))
    expected = np.sum(list(VALUES.values()), axis=0)
    assert [agreed.result(total).values for total in found] == [tuple(expected)] * 3


def test_more_parties_get_it_too(authority: Path, tmp_path: Path) -> None:
    names = (*NAMES, "east", "centre")
    certify(tmp_path, names)
    five = [computation().parties[0], *computation().parties[1:], *computation().parties[:2]]
    agreed = computation(parties=tuple(replace(p, name=n) for p, n in zip(five, names, strict=True)))
    found = run(*(honest(agreed, tmp_path, name, VALUES["west"]) for name in names))
    assert [agreed.result(total).values[0] for total in found] == [10.0] * 5
    assert authority.exists()


def with_liar(authority: Path, act: gathering.Act, patience: float = 10.0) -> list[Exception]:
    """What two honest parties report when the third does something else after it has met them."""
    agreed = computation()
    first, second, _ = run(
        honest(agreed, authority, "north", VALUES["north"], patience),
        honest(agreed, authority, "south", VALUES["south"], patience),
        acting(agreed, authority, "west", act, patience),
    )
    assert isinstance(first, MultiPartyError), first
    assert isinstance(second, MultiPartyError), second
    return [first, second]


async def honest_greeting(others: Others) -> bytes:
    """Learns the agreement's digest from the others' greetings, then greets."""
    said = {link.peer: await link.receive(Kind.HELLO, 64) for link in others}
    digest = next(iter(said.values()))[:32]
    for link in others:
        await link.send(Kind.HELLO, digest, b"w" * 32)
    nonces = {peer: text[32:] for peer, text in said.items()} | {"west": b"w" * 32}
    return hashlib.sha256(digest + b"".join(nonces[name] for name in NAMES)).digest()


async def share_zeros(others: Others) -> None:
    """Pieces of a vector of zeros: west's long piece goes to north, its seed to south."""
    north, south = others
    seed, own = b"s" * 32, b"o" * 32
    piece = shares.to_bytes(shares.remainder(np.zeros(4, np.uint64), [seed, own]))
    await north.send(Kind.PIECE, piece)
    await south.send(Kind.SEED, seed)
    await asyncio.gather(north.receive(Kind.SEED, 32), south.receive(Kind.PIECE, 32))


def test_a_piece_of_another_length_is_refused_unread(authority: Path) -> None:
    async def lie(others: Others) -> None:
        await honest_greeting(others)
        await others[0].send(Kind.PIECE, bytes(8 * 3))
        await others[1].send(Kind.SEED, bytes(32))
        await asyncio.sleep(0.3)

    first, second = with_liar(authority, lie)
    assert isinstance(first, MalformedMessageError)
    assert "piece of party west has 24 bytes where 32 were agreed" in str(first)
    assert isinstance(second, PartyAbortedError)


def test_a_length_beyond_memory_costs_none(authority: Path) -> None:
    async def lie(others: Others) -> None:
        await honest_greeting(others)
        for link in others:
            link.writer.write(HEADER.pack(MAGIC, Kind.PIECE if link.peer == "north" else Kind.SEED, 2**63))
            await link.writer.drain()
        await asyncio.sleep(0.3)

    for error in with_liar(authority, lie):
        assert isinstance(error, MalformedMessageError | PartyAbortedError)


@pytest.mark.parametrize("noise", [HEADER.pack(b"HTTP", 1, 64), HEADER.pack(MAGIC, 77, 64), b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_no_message_is_refused(authority: Path, noise: bytes) -> None:
    async def lie(others: Others) -> None:
        for link in others:
            link.writer.write(noise)
            await link.writer.drain()
        await asyncio.sleep(0.3)

    errors = with_liar(authority, lie)
    assert any(isinstance(error, MalformedMessageError) for error in errors)


@pytest.mark.parametrize("stage", ["greeting", "pieces", "totals", "confirmation"])
def test_a_party_that_leaves_leaves_no_result_behind(authority: Path, stage: str) -> None:
    async def leave(others: Others) -> None:
        if stage == "greeting":
            return
        session = await honest_greeting(others)
        if stage == "pieces":
            return
        await share_zeros(others)
        if stage == "totals":
            return
        for link in others:
            await link.send(Kind.TOTAL, session, bytes(32))

    errors = with_liar(authority, leave)
    assert any(isinstance(error, PartyGoneError) for error in errors)
    assert all("no result" in str(error) for error in errors)


def test_a_party_that_says_nothing_is_not_waited_for_without_end(authority: Path) -> None:
    async def wait(_others: Others) -> None:
        await asyncio.sleep(6)

    errors = with_liar(authority, wait, patience=2.5)
    assert any("kept us waiting for 2.5 s" in str(error) for error in errors)


def test_who_tells_parties_different_things_is_found_out(authority: Path) -> None:
    async def lie(others: Others) -> None:
        session = await honest_greeting(others)
        await share_zeros(others)
        for number, link in enumerate(others):
            await link.send(Kind.TOTAL, session, bytes([number]) * 32)
        await asyncio.sleep(0.3)

    errors = with_liar(authority, lie)
    assert any(isinstance(error, InconsistentResultError) for error in errors)


def test_totals_of_another_session_are_refused(authority: Path) -> None:
    async def lie(others: Others) -> None:
        await honest_greeting(others)
        await share_zeros(others)
        for link in others:
            await link.send(Kind.TOTAL, b"old session".ljust(32), bytes(32))
        await asyncio.sleep(0.3)

    errors = with_liar(authority, lie)
    assert any("another session" in str(error) for error in errors)


def test_parties_with_different_files_share_nothing(authority: Path) -> None:
    agreed = computation()
    found = run(*(
        honest(replace(agreed, decimals=1) if name == "west" else agreed, authority, name, VALUES[name])
        for name in NAMES
    ))  # fmt: skip
    assert all(isinstance(error, MultiPartyError) for error in found)
    assert any(isinstance(error, DifferentComputationError) for error in found)


def test_a_certificate_of_another_authority_opens_no_door(authority: Path, tmp_path: Path) -> None:
    certify(tmp_path, NAMES)
    agreed = computation()
    found = run(*(
        honest(agreed, tmp_path if name == "west" else authority, name, VALUES[name], 2.5) for name in NAMES
    ))  # fmt: skip
    assert isinstance(found[2], UntrustedPartyError)
    assert all(isinstance(error, PartyGoneError) for error in found[:2])
    assert "no west with a certificate" in str(found[0])


def test_a_party_cannot_pass_for_another(authority: Path, tmp_path: Path) -> None:
    """South's certificate under west's name: signed by the authority, and turned away all the same."""
    for suffix in ("key", "crt"):
        (tmp_path / f"west.{suffix}").write_bytes((authority / f"south.{suffix}").read_bytes())
    (tmp_path / "authority.crt").write_bytes((authority / "authority.crt").read_bytes())
    agreed = computation()
    found = run(
        honest(agreed, authority, "north", VALUES["north"], 2.5),
        honest(agreed, tmp_path, "west", VALUES["west"], 2.5),
    )
    assert all(isinstance(error, MultiPartyError) for error in found)


def test_nobody_takes_part_who_was_not_agreed_on(authority: Path) -> None:
    agreed = computation()
    with pytest.raises(MultiPartyInputError, match="no party of"):
        party.take_part(agreed, Credentials(authority, "east"), VALUES["west"], entropy=gathering.random(0))


def test_a_port_in_use_is_said(authority: Path) -> None:
    agreed = computation()
    taken = replace(agreed, parties=(agreed.parties[0], replace(agreed.parties[1], port=agreed.parties[0].port),
                                     agreed.parties[2]))  # fmt: skip
    found = run(*(honest(taken, authority, name, VALUES[name], 1.0) for name in NAMES[:2]))
    assert any("cannot listen" in str(error) for error in found)
