"""Texts as vectors, on one core: how many a second, and how often the nearest text has the same intent.

python -m benchmarks.embeddings [FOLDER], the shared data with its folder intents; prints one JSON object. Peers in the
same run: scikit-learn's HashingVectorizer with as many places and no key, and TF-IDF with a vocabulary learned from the
texts, which Lethe may not keep.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from privacy.embeddings import DIMENSIONS, embed
from warehouse.settings import Settings

KEY = bytes(range(32))
Texts = Sequence[str]
Pairs = tuple[list[str], np.ndarray]


def banking77(folder: Path, part: str) -> Pairs:
    """Questions to a bank and their intents, 77 of them."""
    with gzip.open(folder / "banking77" / f"{part}.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], np.array([row["category"] for row in rows])


def clinc(folder: Path, part: str) -> Pairs:
    """Requests to an assistant and their intents, 150 of them."""
    with gzip.open(folder / "clinc" / "data_full.json.gz", "rt") as file:
        rows = json.load(file)[part]
    return [text for text, _ in rows], np.array([intent for _, intent in rows])


def hashing_peer(known: Texts, asked: Texts) -> tuple[Any, Any]:
    """scikit-learn's feature hashing of the same grams: words and characters cannot be had together, so characters."""
    from sklearn.feature_extraction.text import HashingVectorizer

    peer = HashingVectorizer(n_features=DIMENSIONS, analyzer="char_wb", ngram_range=(3, 5))
    return peer.transform(known), peer.transform(asked)


def learned_peer(known: Texts, asked: Texts) -> tuple[Any, Any]:
    """TF-IDF over every word and pair of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    peer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(known)
    return peer.transform(known), peer.transform(asked)


def ours(known: Texts, asked: Texts) -> tuple[Any, Any]:
    """The product's own."""
    return embed(known, KEY), embed(asked, KEY)


def same_intent(vectors: tuple[Any, Any], intents: np.ndarray, truth: np.ndarray) -> float:
    """The share of asked texts whose nearest known text has their intent."""
    cosines = vectors[1] @ vectors[0].T
    nearest = np.asarray(cosines.argmax(axis=1)).ravel()
    return round(float((intents[nearest] == truth).mean()), 4)


def rate(work: Callable[[], object], n: int) -> int:
    """Texts per second of processor time: the best of three."""
    seconds = []
    for _ in range(3):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return round(n / min(seconds))


def measure(folder: Path) -> dict[str, object]:
    """Every figure, by name."""
    found: dict[str, object] = {}
    for name, read in (("banking77", banking77), ("clinc", clinc)):
        (known, intents), (asked, truth) = read(folder, "train"), read(folder, "test")
        found[f"{name}_chance"] = round(1 / len(set(intents)), 4)
        for peer, make in (("ours", ours), ("hashing_peer", hashing_peer), ("learned_peer", learned_peer)):
            found[f"{name}_same_intent_{peer}"] = same_intent(make(known, asked), intents, truth)
    known, _ = banking77(folder, "train")
    long = [" ".join(known[n : n + 8]) for n in range(len(known) - 8)]
    for name, texts in (("short", known), ("long", long)):
        found[f"{name}_characters"] = round(sum(map(len, texts)) / len(texts))
        found[f"{name}_texts_per_s"] = rate(lambda texts=texts: embed(texts, KEY), len(texts))  # type: ignore[misc]
    return found


if __name__ == "__main__":
    data = Path(sys.argv[1] if len(sys.argv) > 1 else Settings.load().shared_data or "../shared/data")
    print(json.dumps(measure(data / "intents")))
