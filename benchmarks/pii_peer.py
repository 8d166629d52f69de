"""The peer of pii_detection.py: Presidio's recognisers over a JSON list of texts from standard input.

Run by the interpreter of an environment with presidio-analyzer. Prints one JSON object: spans per text as
[entity, start, end], and texts per CPU second. No language model: names and places are not looked for.
"""

from __future__ import annotations

import json
import sys
import time

from presidio_peer import analyzer  # type: ignore[import-not-found]  # beside this file when run by path


def main() -> None:
    texts = json.load(sys.stdin)
    engine = analyzer()
    engine.analyze(text=texts[0], language="en")
    began = time.process_time()
    found = [engine.analyze(text=text, language="en") for text in texts]
    rate = len(texts) / (time.process_time() - began)
    spans = [[[item.entity_type, item.start, item.end] for item in items] for items in found]
    sys.stdout.write(json.dumps({"spans": spans, "texts_per_second": rate}) + "\n")


if __name__ == "__main__":
    main()
