"""Texts, verdicts and page sequences that others made, read from the shared data. Nothing is fitted here."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.families.answer_texts import answer_pairs


@dataclass(frozen=True, slots=True)
class Prompts:
    """Texts (n,) and their intents (n,)."""

    texts: list[str]
    intents: np.ndarray[Any, np.dtype[np.str_]]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Pairs of answers as features, three judges' votes (n, 3) of 0 tie, 1 first, 2 second, and whose instruction."""

    pairs: pd.DataFrame
    votes: np.ndarray[Any, np.dtype[np.int64]]
    instructions: np.ndarray[Any, np.dtype[np.object_]]


def banking77(folder: Path, part: str) -> Prompts:
    """Questions to a bank, 77 intents; part train or test, the official split."""
    with gzip.open(folder / "intents" / "banking77" / f"{part}.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    return Prompts([row["text"] for row in rows], np.array([row["category"] for row in rows]))


def clinc(folder: Path, part: str) -> Prompts:
    """Requests to an assistant, 150 intents; part train, val or test, and the same with oos_ before it."""
    with gzip.open(folder / "intents" / "clinc" / "data_full.json.gz", "rt") as file:
        rows = json.load(file)[part]
    return Prompts([text for text, _ in rows], np.array([intent for _, intent in rows]))


def verdicts(folder: Path) -> Verdicts:
    """999 pairs of answers by five language models to 170 instructions."""
    with gzip.open(folder / "pairwise_feedback" / "testset-v1.json.gz", "rt") as file:
        rows = json.load(file)
    prompts = [f"{row['instruction']}\n{row['input']}" for row in rows]
    pairs = answer_pairs(prompts, *([str(row[side]) for row in rows] for side in ("response1", "response2")))
    items = [row["cmp_key"].split("_") for row in rows]
    votes = np.array([[row[f"annotator{judge}"] for judge in (1, 2, 3)] for row in rows], dtype=np.int64)
    pairs = pairs.assign(first_item=[a for a, _ in items], second_item=[b for _, b in items])
    return Verdicts(pairs, votes, np.array([row["instruction"] for row in rows], dtype=object))


def fifa(folder: Path) -> list[list[str]]:
    """Pages of web sessions, one list a session, in the order of the file (SPMF: -1 parts pages, -2 ends)."""
    with gzip.open(folder / "page_sequences" / "FIFA.dat.gz", "rt") as file:
        lines = file.read().splitlines()
    return [[page for page in line.split() if page not in {"-1", "-2"}] for line in lines if line.strip()]
