"""The peer of privacy_kernel.py: Presidio's pattern recognisers over lines from standard input; prints rows/s as JSON.

Run by the interpreter of an environment with presidio-analyzer. No language model is downloaded: spaCy is blank, so
names are not looked for and the figure flatters the peer.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def analyzer() -> Any:
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class BlankEngine(SpacyNlpEngine):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

        def load(self) -> None:
            """Nothing to load: the pipeline is blank."""

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    return AnalyzerEngine(nlp_engine=BlankEngine(), registry=registry, supported_languages=["en"])


def main() -> None:
    rows = sys.stdin.read().splitlines()
    engine = analyzer()
    engine.analyze(text=rows[0], language="en")
    began = time.perf_counter()
    n_found = sum(len(engine.analyze(text=row, language="en")) for row in rows)
    elapsed = time.perf_counter() - began
    sys.stdout.write(json.dumps({"rows_per_second": len(rows) / elapsed, "n_found": n_found}) + "\n")


if __name__ == "__main__":
    main()
