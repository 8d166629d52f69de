"""Secure sums: exact for whoever answered, unknown below the threshold, and no single vector for anybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ml.federated import masks
from ml.federated.aggregation import secure_sum
from ml.federated.errors import (
    FederatedInputError,
    ForgedMessageError,
    InconsistentSurvivorsError,
    ReplayedRoundError,
    TooFewSilosError,
    UnusableVectorError,
    WrongLengthError,
)
from ml.federated.fixed_point import decode, encode
from ml.federated.member import Member
from ml.federated.messages import Opening, Revealed, Round, usual_threshold
from tests.ml.federated import circle
from tests.ml.federated.circle import STAGES, Leaving

N, LENGTH = 6, 40


@given(st.dictionaries(st.integers(1, N), st.sampled_from(STAGES), max_size=N), st.integers(2, N))
@settings(max_examples=40, deadline=None)
def test_whoever_leaves_when_the_sum_is_exact_or_unknown(leaving: dict[int, str], threshold: int) -> None:
    held = circle.vectors(N, LENGTH)
    silos = {n: Leaving(m, leaving.get(n, "")) for n, m in circle.members(held).items()}
    wish = circle.round_(LENGTH, threshold)
    if N - len(leaving) < threshold:
        with pytest.raises(TooFewSilosError, match="sum stays unknown"):
            secure_sum(silos, wish, None)
        return
    found = secure_sum(silos, wish, None)
    sent = [n for n in held if leaving.get(n, "reveal") in ("confirm", "reveal")]
    assert found.survivors == tuple(sent)
    assert found.gone.keys() == leaving.keys()
    np.testing.assert_allclose(decode(found.total), sum(held[n] for n in sent), atol=N * 2.0**-24)


def exchanged(members: dict[int, Member], wish: Round) -> tuple[dict[int, Opening], dict[int, dict[int, bytes]]]:
    openings = {n: m.open(wish) for n, m in members.items()}
    sealed = {n: m.share(openings) for n, m in members.items()}
    return openings, {n: {o: sealed[o][n] for o in sealed if o != n} for n in members}


def ready(number: int, length: int = LENGTH) -> tuple[dict[int, Member], dict[int, masks.Words]]:
    """Members that sent their vectors in a round."""
    members = circle.members(circle.vectors(N, length))
    _, received = exchanged(members, circle.round_(length, 4, number))
    return members, {n: m.contribute(received[n], None) for n, m in members.items()}


def test_what_the_server_sees_of_one_silo_is_uniform() -> None:
    """A vector of zeros under masks: every byte value equally often, and nothing in common with the next round's."""
    members = circle.members(dict.fromkeys(range(1, N + 1), np.zeros(20_000)))
    seen = []
    for number in range(2):
        _, received = exchanged(members, circle.round_(20_000, 4, number))
        seen.append([m.contribute(received[n], None) for n, m in members.items()])
    for masked in (*seen[0], *seen[1]):
        counts = np.bincount(masked.view(np.uint8), minlength=256)
        assert stats.chisquare(counts).pvalue > 1e-7
    assert not (seen[0][0] == seen[1][0]).any()
    correlation = stats.pearsonr(seen[0][0].astype(float), seen[0][1].astype(float)).statistic
    assert abs(correlation) * np.sqrt(20_000) < 6


def test_without_one_mask_the_vector_of_a_silo_stays_hidden() -> None:
    """All silos but one and the server together lift their masks off its vector: its own mask is still there."""
    members, masked = ready(0)
    survivors = frozenset(members)
    turn = members[1]._turn
    assert turn is not None
    pairwise = np.zeros(LENGTH, np.uint64)
    masks.add_pairwise(pairwise, 1, {o: members[1]._pair_seed(turn, o) for o in survivors - {1}})
    own = circle.vectors(N, LENGTH)[1]
    left = masked[1] - pairwise
    assert not np.isclose(decode(left), own, atol=1).any()
    np.testing.assert_allclose(decode(left - masks.stretch(turn.seed, LENGTH)), own, atol=1e-6)


def test_masks_that_do_not_cancel_are_seen_in_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(total: masks.Words, _own: int, seeds: dict[int, bytes]) -> None:
        for seed in seeds.values():
            np.add(total, masks.stretch(seed, len(total)), out=total)

    held = circle.vectors(N, LENGTH)
    monkeypatch.setattr(masks, "add_pairwise", faulty)
    found = secure_sum(circle.members(held), circle.round_(LENGTH, 4), None)
    assert not np.isclose(decode(found.total), sum(held.values()), atol=1).any()


@pytest.mark.parametrize(
    ("vector", "wrong"),
    [
        (np.zeros(LENGTH - 1), WrongLengthError), (np.zeros(LENGTH + 1), WrongLengthError),
        (np.full(LENGTH, np.nan), UnusableVectorError), (np.full(LENGTH, np.inf), UnusableVectorError),
        (np.full(LENGTH, 1e15), UnusableVectorError),
    ],
)  # fmt: skip
def test_a_vector_that_would_spoil_the_sum_is_never_sent(vector: Any, wrong: type[Exception]) -> None:
    held = circle.vectors(N, LENGTH) | {2: vector}
    members = circle.members(held)
    _, received = exchanged(members, circle.round_(LENGTH, 4))
    with pytest.raises(wrong):
        members[2].contribute(received[2], None)
    found = secure_sum(circle.members(held), circle.round_(LENGTH, 4), None)
    assert found.gone.keys() == {2}
    np.testing.assert_allclose(decode(found.total), sum(v for n, v in held.items() if n != 2), atol=1e-5)


def test_a_message_of_another_length_is_refused_by_the_server() -> None:
    members = circle.members(circle.vectors(N, LENGTH))
    silos = {n: Leaving(m, changes={"contribute": lambda v: v[:-1]} if n == 3 else None) for n, m in members.items()}
    found = secure_sum(silos, circle.round_(LENGTH, 4), None)
    assert "has length 39, agreed was 40" in found.gone[3]


def test_a_round_is_answered_once() -> None:
    members = circle.members(circle.vectors(N, LENGTH))
    secure_sum(members, circle.round_(LENGTH, 4, 3), None)
    for number in (3, 2, 0):
        with pytest.raises(ReplayedRoundError, match="begins it once"):
            members[1].open(circle.round_(LENGTH, 4, number))
        with pytest.raises(TooFewSilosError, match="0 silos answer"):
            secure_sum(members, circle.round_(LENGTH, 4, number), None)
    assert secure_sum(members, circle.round_(LENGTH, 4, 4), None).gone == {}


def test_no_step_is_taken_twice() -> None:
    members, _ = ready(0)
    survivors = frozenset(members)
    proofs = {n: m.confirm(survivors) for n, m in members.items()}
    with pytest.raises(ReplayedRoundError):
        members[1].confirm(survivors - {2})
    revealed = members[1].reveal({n: p[1] for n, p in proofs.items() if n != 1})
    assert revealed.seeds.keys() == survivors
    assert revealed.keys == {}
    with pytest.raises(ReplayedRoundError, match="answers once only"):
        members[1].reveal({n: p[1] for n, p in proofs.items() if n != 1})


def test_a_server_that_tells_silos_different_survivors_gets_no_share() -> None:
    """The attack: half of the silos help with silo 2's key, the others with its seed; together they unmask it."""
    members, _ = ready(0)
    everybody = frozenset(members)
    told = {n: everybody if n < 5 else everybody - {2} for n in members}
    proofs = {n: members[n].confirm(told[n]) for n in (1, 3, 4, 5, 6)}
    for n in (1, 3, 4, 5, 6):
        with pytest.raises(InconsistentSurvivorsError, match="none may differ"):
            members[n].reveal({o: p[n] for o, p in proofs.items() if o != n and n in p})


def test_survivors_must_be_known_and_enough() -> None:
    for survivors, wrong in (
        (frozenset({1, 2, 3}), TooFewSilosError),
        (frozenset({1, 2, 3, 4, 99}), InconsistentSurvivorsError),
        (frozenset({2, 3, 4, 5}), InconsistentSurvivorsError),
    ):
        with pytest.raises(wrong):
            ready(0)[0][1].confirm(survivors)


def test_a_server_that_slips_in_its_own_key_is_found_out() -> None:
    members = circle.members(circle.vectors(N, LENGTH))
    openings = {n: m.open(circle.round_(LENGTH, 4)) for n, m in members.items()}
    forged = openings | {2: replace(openings[2], key=masks.public_bytes(masks.private_key(b"k" * 32)))}
    sealed = {n: m.share(forged if n == 1 else openings) for n, m in members.items()}
    with pytest.raises(ForgedMessageError, match="not from it"):
        members[1].contribute({o: sealed[o][1] for o in sealed if o != 1}, None)


def test_shares_of_another_round_or_silo_are_refused() -> None:
    members = circle.members(circle.vectors(N, LENGTH))
    _, old = exchanged(members, circle.round_(LENGTH, 4, 0))
    _, new = exchanged(members, circle.round_(LENGTH, 4, 1))
    for wrong in (new[1] | {2: old[1][2]}, new[1] | {2: new[1][3]}, new[1] | {99: new[1][2]}):
        member = circle.members(circle.vectors(N, LENGTH))[1]
        member._turn = replace_turn(members[1])
        with pytest.raises(ForgedMessageError):
            member.contribute(wrong, None)
    with pytest.raises(WrongLengthError):
        members[1].contribute(new[1] | {2: new[1][2] + b"x"}, None)


def replace_turn(member: Member) -> Any:
    """A copy of the turn that a member is in."""
    turn = member._turn
    assert turn is not None
    return replace(turn)


def test_silos_off_the_roster_are_not_shared_with() -> None:
    members = circle.members(circle.vectors(N, LENGTH))
    openings = {n: m.open(circle.round_(LENGTH, 4)) for n, m in members.items()}
    with pytest.raises(ForgedMessageError, match="roster"):
        members[1].share(openings | {99: openings[2]})


@pytest.mark.parametrize("which", ["seeds", "keys"])
def test_a_changed_share_spoils_no_sum_unseen(which: str) -> None:
    def lie(found: Revealed) -> Revealed:
        changed = {n: share ^ 2 for n, share in getattr(found, which).items()}
        return replace(found, **{which: changed})

    members = circle.members(circle.vectors(N, LENGTH))
    silos = {n: Leaving(m, "contribute" if n == 5 else "", {"reveal": lie} if n == 1 else None)
             for n, m in members.items()}  # fmt: skip
    with pytest.raises(ForgedMessageError, match="committed to"):
        secure_sum(silos, circle.round_(LENGTH, 4), None)


def test_rounds_and_rosters_that_protect_nobody_are_refused() -> None:
    member = circle.members(circle.vectors(3, 2))[1]
    for wish in (circle.round_(0, 2), circle.round_(2, 1), circle.round_(2, 2, -1), Round(b"short", 0, 2, 2)):
        with pytest.raises(FederatedInputError):
            member.open(wish)
    with pytest.raises(FederatedInputError, match="roster holds another key"):
        Member(1, masks.private_key(b"a" * 32), {1: b"b" * 32}, encoder, circle.entropy(0))
    with pytest.raises(FederatedInputError, match="at least 3"):
        usual_threshold(2)
    assert [usual_threshold(n) for n in (3, 4, 6, 10, 54)] == [3, 3, 5, 7, 37]


def encoder(_task: Any) -> masks.Words:
    return encode(np.zeros(2), 3)


@given(st.lists(st.floats(-1e6, 1e6), max_size=20), st.integers(1, 100))
@settings(max_examples=25, deadline=None)
def test_fixed_point_is_close_and_knows_negative_numbers(values: list[float], n_silos: int) -> None:
    array = np.array(values, dtype=np.float64)
    np.testing.assert_allclose(decode(encode(array, n_silos)), array, atol=2.0**-24)


def test_a_degenerate_key_is_refused() -> None:
    with pytest.raises(ForgedMessageError, match="hides anything"):
        masks.agree(masks.private_key(b"k" * 32), bytes(32), b"x")
