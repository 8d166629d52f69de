"""What the detectors promise and how it can break."""

from __future__ import annotations

from privacy.errors import PrivacyError


class TaggerUntrainedError(PrivacyError):
    """The name tagger could not be trained or written."""
