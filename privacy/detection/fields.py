"""Whether a JSON path holds people's writing or machines' lines: by a sample of its values, else by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from privacy.detection.findings import Field

ENOUGH = 5  # texts that outweigh the name
MACHINE_SHARE = 0.35  # of words that no person writes; on the tuning texts people stay below .2, log lines above .45
_PROSE_WORD = re.compile(r"[\"'“‘(¿¡]*[^\W\d_]+(?:['’.-][^\W\d_]+)*[.,;:!?)\"'”’…]*")
_MACHINE_NAME = re.compile(
    r"(?:^|_)(?:log|line|stack|trace|pid|tid|ids?|uuid|hash|digest|seq|offset|bytes|size|port|version|user_agent|sql|stdout"
    r"|stderr|raw|payload|ts|epoch|checksum|token)(?:_|$)|(?:Id|Hash|Trace)$"
)


def field_of(path: str, texts: Sequence[str] = ()) -> Field:
    """What a path holds. texts: sampled string values; with ENOUGH of them they decide, else the last name does."""
    known = [text for text in texts if text.strip()]
    if len(known) >= ENOUGH:
        shares = [machine_share(text) for text in known]
        return Field.MACHINE if sum(shares) / len(shares) > MACHINE_SHARE else Field.FREE_TEXT
    name = next((part for part in reversed(path.split("/")) if part not in ("*", "?")), "")
    return Field.MACHINE if _MACHINE_NAME.search(name) else Field.FREE_TEXT


def machine_share(text: str) -> float:
    """The share of space-separated words that hold a digit, a bracket, an underscore or another sign of a machine."""
    words = text.split()
    return sum(_PROSE_WORD.fullmatch(word) is None for word in words) / len(words)
