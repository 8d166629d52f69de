"""What the detectors find in held-out texts, what they find wrongly in machine lines, and how fast, beside Presidio.

Not a test: it prints what was measured on this machine. The carriers (pii_texts.py, machine_lines.py) were used for no
tuning. The peer runs in an environment of its own: `python -m benchmarks.pii_detection --peer-python PATH`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.machine_lines import FRESH_LINES, machine_lines
from benchmarks.pii_texts import Labelled, labelled
from privacy.detection.detector import Detector
from privacy.detection.fields import field_of
from privacy.detection.findings import FULL_NAME, KINDS, Field
from privacy.detection.names import NameFinder
from privacy.detection.patterns import find_patterns
from privacy.detection.tagger import Tagger

Spans = Iterable[tuple[str, int, int]]
MICRO = ("email", "phone", "ssn", "credit_card", "iban", "ip_address", "url")
PEER = "peer: Presidio, "
OF_PRESIDIO = {
    "EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "US_SSN": "ssn", "CREDIT_CARD": "credit_card",
    "IBAN_CODE": "iban", "IP_ADDRESS": "ip_address", "URL": "url",
}  # fmt: skip
HIDDEN = 0.25  # of listed name words: lists of another make knew 77 % of the names of a test
REPEATS = 3


@dataclass(slots=True)
class Score:
    """Exact spans and kinds: hits, false finds, misses."""

    hits: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    def add(self, found: Spans, gold: Spans) -> None:
        found, gold = set(found), set(gold)
        self.hits.update(kind for kind, _, _ in found & gold)
        self.false.update(kind for kind, _, _ in found - gold)
        self.missed.update(kind for kind, _, _ in gold - found)

    def of(self, kinds: Sequence[str]) -> tuple[float, float, float]:
        """Precision, recall, F1 summed over kinds (micro)."""
        hits, false, missed = (sum(c[kind] for kind in kinds) for c in (self.hits, self.false, self.missed))
        precision = hits / (hits + false) if hits + false else 0.0
        recall = hits / (hits + missed) if hits + missed else 0.0
        return precision, recall, 2 * hits / (2 * hits + false + missed) if hits else 0.0


def ours(texts: Sequence[Labelled], find: Callable[[str], Spans]) -> Score:
    score = Score()
    for text in texts:
        score.add(find(text.text), text.spans)
    return score


def rate(texts: Sequence[str], find: Callable[[str], object]) -> float:
    """Texts per second of one core: the best CPU time of REPEATS."""
    best = float("inf")
    for _ in range(REPEATS):
        began = time.process_time()
        for text in texts:
            find(text)
        best = min(best, time.process_time() - began)
    return len(texts) / best


def spans_of(detector: Detector, text: str, where: Field) -> list[tuple[str, int, int]]:
    return [(found.kind, found.start, found.end) for found in detector.find(text, where)]


def with_fewer_names(names: NameFinder) -> NameFinder:
    """The same finder when HIDDEN of the words in its lists of names were never in them."""
    words = names.gazetteer
    unknown = {word for word in words.first | words.last if _chance(word) < HIDDEN}
    fewer = replace(words, first=words.first - unknown, last=words.last - unknown)
    tagger = names.tagger
    return NameFinder(fewer, Tagger(fewer, tagger._crf) if tagger else None)


def _chance(word: str) -> float:
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") / 2**32


def peer(python: str, texts: Sequence[Labelled]) -> tuple[Score, float] | str:
    """Presidio on the same texts, only the kinds that both know; or why there is no figure."""
    done = subprocess.run(
        [python, str(Path(__file__).with_name("pii_peer.py"))],
        input=json.dumps([text.text for text in texts]), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        return f"{python} failed: {done.stderr.strip().splitlines()[-1:]}"
    answer = json.loads(done.stdout)
    score = Score()
    for text, found in zip(texts, answer["spans"], strict=True):
        known = {(OF_PRESIDIO[entity], start, end) for entity, start, end in found if entity in OF_PRESIDIO}
        score.add(known, text.spans)
    return score, float(answer["texts_per_second"])


def show(name: str, figures: tuple[float, float, float], bar: str = "", beside: str = "") -> None:
    print(f"{name:<44} P {figures[0]:.3f}  R {figures[1]:.3f}  F1 {figures[2]:.3f}  {bar:<18} {beside}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=4_000)
    parser.add_argument("--lines", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=77_003)
    parser.add_argument("--models", type=Path, help="folder that keeps the trained tagger")
    parser.add_argument("--peer-python", help="interpreter of an environment with presidio-analyzer")
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        detector = Detector.open(options.models or Path(folder))
        lines = [machine_lines(options.lines, options.seed), machine_lines(options.lines, options.seed, FRESH_LINES)]
        figures = report(detector, labelled(options.texts, options.seed), lines, options)
    if options.json:
        print(json.dumps({name: round(figure, 4) for name, figure in figures.items()}))


def report(
    detector: Detector, texts: Sequence[Labelled], lines: Sequence[Sequence[Labelled]], options: argparse.Namespace
) -> dict[str, float]:
    """Print every figure; returned are those that have a bar."""
    plain = [text.text for text in texts]
    where = field_of("/data/value", plain[:200])
    print(f"{len(texts)} texts, {sum(map(len, plain)) / len(plain):.0f} characters, taken for {where.value}")
    found = ours(texts, lambda text: spans_of(detector, text, where))
    beside = peer(options.peer_python, texts) if options.peer_python else "no --peer-python PATH was given"
    for kind in KINDS:
        show(f"{kind} ({found.hits[kind] + found.missed[kind]})", found.of((kind,)), beside=_f1_of(beside, (kind,)))
    show("seven pattern kinds, micro", found.of(MICRO), "bar F1 .93", _f1_of(beside, MICRO))
    show("telephone", found.of(("phone",)), "bar F1 .88")
    show("names, all lists", found.of((FULL_NAME,)), "bar R .85 P .65", "published for Presidio: P .567 R .653")
    if detector.names:
        fewer = Detector(with_fewer_names(detector.names))
        score = ours(texts, lambda text: spans_of(fewer, text, where))
        show("names, a quarter of the listed words hidden", score.of((FULL_NAME,)), "bar R .85 P .65")
    named = found.of((FULL_NAME,))
    figures = {"pattern_micro_f1": found.of(MICRO)[2], "phone_f1": found.of(("phone",))[2]}
    figures |= {"name_precision": named[0], "name_recall": named[1]}
    for name, chosen in zip(("machine lines", "machine lines, fresh carriers"), lines, strict=True):
        figures |= report_lines(detector, name, chosen, options.peer_python)
    figures["texts_per_second"] = rate(plain, find_patterns)
    known = "" if isinstance(beside, str) else f"Presidio {beside[1]:,.0f}"
    print(f"{'texts/s of a core, patterns':<44} {figures['texts_per_second']:,.0f}  bar >= 40,000  {known}")
    print(f"{'texts/s of a core, names as well':<44} {rate(plain, detector.find):,.0f}")
    if isinstance(beside, str):
        print(f"peer skipped: {beside}")
        return figures
    return figures | {f"{PEER}pattern_micro_f1": beside[0].of(MICRO)[2], f"{PEER}texts_per_second": beside[1]}


def report_lines(detector: Detector, name: str, lines: Sequence[Labelled], python: str | None) -> dict[str, float]:
    """False finds of any kind in lines of which only IP addresses and URLs are true; the peer's beside ours."""
    where = field_of("/data/value", [line.text for line in lines[:200]])
    found = ours(lines, lambda text: spans_of(detector, text, where))
    figures = {f"false_per_1000 {name}": _per_thousand(found, lines)}
    beside, known = peer(python, lines) if python else "", ""
    if not isinstance(beside, str):
        figures[f"{PEER}false_per_1000 {name}"] = _per_thousand(beside[0], lines)
        known = f"Presidio {_per_thousand(beside[0], lines):.0f}"
    label = f"false hits in 1,000 {name}"
    print(f"{label:<52} {_per_thousand(found, lines):.1f} as {where.value}  bar <= 20  {known}  {dict(found.false)}")
    show(f"IP addresses and URLs in {name}", found.of(("ip_address", "url")))
    return figures


def _per_thousand(score: Score, lines: Sequence[Labelled]) -> float:
    return 1000 * sum(score.false.values()) / len(lines)


def _f1_of(beside: tuple[Score, float] | str, kinds: Sequence[str]) -> str:
    return "" if isinstance(beside, str) or kinds[0] not in MICRO else f"Presidio F1 {beside[0].of(kinds)[2]:.3f}"


if __name__ == "__main__":
    main()
