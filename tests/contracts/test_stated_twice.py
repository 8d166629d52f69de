"""Stages import none of each other, so some facts are stated twice: here they are seen to agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import collection.events
import collection.simulator.policy
import ml.artifacts
import ml.federated.masks
import ml.feedback
import privacy.exports.archive
import privacy.multi_party.shares
import privacy.policy
import privacy.retention.policies
import quality.suites


@pytest.mark.parametrize("content", [b"", b"\0" * 70_000, bytes(range(256)) * 1_025], ids=len)
def test_the_digest_of_a_file(content: bytes, tmp_path: Path) -> None:
    (path := tmp_path / "file").write_bytes(content)
    assert ml.artifacts.file_digest(path) == privacy.exports.archive.file_digest(path)


@given(seed=st.binary(min_size=32, max_size=32), n=st.integers(0, 300))
def test_the_words_that_a_seed_is_stretched_to(seed: bytes, n: int) -> None:
    words = ml.federated.masks.stretch(seed, n)
    assert words.shape == (n,)
    assert np.array_equal(words, privacy.multi_party.shares.stretch(seed, n))


def test_classes_and_terms_of_an_event() -> None:
    assert collection.events.DATA_CLASSIFICATIONS == privacy.policy.CLASSES == quality.suites.CLASSES
    assert collection.events.RETENTION_POLICIES == privacy.retention.policies.CLASSES == quality.suites.RETENTIONS


def test_how_each_class_is_treated() -> None:
    assert collection.simulator.policy.TREATMENTS == privacy.policy.TREATMENTS


def test_the_table_of_labels() -> None:
    assert ml.feedback.LABELS == quality.suites.LABELS
