"""All detectors at once over one text: patterns everywhere, names and addresses in people's writing only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from privacy.detection.findings import Field, Finding
from privacy.detection.gazetteer import shipped
from privacy.detection.names import NameFinder
from privacy.detection.patterns import find_patterns
from privacy.detection.tagger import Tagger, Training


@dataclass(frozen=True, slots=True)
class Detector:
    """Finds spans in a text. Without a name finder it is the fast path alone."""

    names: NameFinder | None = None

    @classmethod
    def open(cls, folder: Path, training: Training | None = None) -> Detector:
        """With the name tagger from a folder of models, trained on first use (about 15 seconds)."""
        words = shipped()
        return cls(NameFinder(words, Tagger.open(folder, words, training or Training())))

    def find(self, text: str, field: Field = Field.FREE_TEXT) -> list[Finding]:
        """Findings that do not overlap, in order of place; a pattern wins over a name inside it."""
        found = find_patterns(text, field)
        if self.names is None or field is Field.MACHINE:
            return found
        named = [name for name in self.names.find(text) if not any(name.overlaps(other) for other in found)]
        return sorted([*found, *named], key=lambda finding: finding.start)
