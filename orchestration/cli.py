"""The `lethe` command: exit codes, and errors in words. Arguments are in arguments.py, actions in handlers.py.

Exit codes: 0 done; 2 wrong usage or input; 3 a gate refused (data, a model, a release, an erasure); 1 a fault.
"""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestration.arguments import parser

DONE, FAULT, USAGE, REFUSED = 0, 1, 2, 3
NO_PLACE = (errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST)
OURS = frozenset({"warehouse", "collection", "privacy", "quality", "ml", "orchestration"})
WRONG_INPUT = frozenset(
    {
        "InputError", "InvalidSettingError", "InvalidRuleError", "AmbiguousRuleError", "UnknownPurposeError",
        "UnknownVersionError", "ExpiredVersionError", "NothingToRollBackToError", "UnsignableDocumentError",
        "SimulationSpecError", "UnknownRoleError",
        "InvalidAddressError", "ConsentInputError", "RequestInputError", "ExportInputError",
        "AnonymityInputError", "RetentionInputError", "DeveloperNameError",
        "BreachInputError", "ErasureInputError", "InvalidSignatureError", "UntrustedSignerError",
        "IdentityInputError", "FeatureInputError", "FederatedInputError", "MultiPartyInputError", "ApprovalInputError",
        "FeedbackInputError", "OsintInputError", "OnnxMissingError",
    }
)  # fmt: skip
REFUSALS = frozenset(
    {
        "GateRefused", "PromotionRefusedError", "IdentifiableRowsError", "UnreachableAnonymityError",
        "BudgetExceededError", "HeldSubjectError", "MergedIdentityError",
    }
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. A promise that broke is one line, never a stack trace."""
    options = parser().parse_args(arguments)
    from orchestration import handlers
    from warehouse.settings import TELEMETRY_OFF, Settings, export

    export(TELEMETRY_OFF)
    home: Path | None = None
    try:
        settings = Settings.load(options.home)
        home = settings.home
        run = getattr(options, "run", None) or getattr(handlers, options.handler.replace("-", "_"))
        return int(run(settings, options))
    except KeyboardInterrupt:
        return complain("stopped; run the same command again to go on", FAULT)
    except BrokenPipeError:
        return DONE
    except Exception as error:
        if home is not None and isinstance(error, OSError) and is_unusable(home, error):
            return complain(f"{home} cannot be a home: {error.strerror} ({error.filename}); name another", USAGE)
        if isinstance(error, OSError) and is_named(options, error):
            return complain(f"{error.filename} cannot be used: {error.strerror}; name another", USAGE)
        if (code := exit_code(error)) is None:
            raise
        return complain(str(error), code)


def exit_code(error: Exception) -> int | None:
    """2 for wrong input, 3 for a refusal, 1 for another broken promise of ours, None for what nobody foresaw."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & WRONG_INPUT:
        return USAGE
    if names & REFUSALS:
        return REFUSED
    if type(error).__module__.split(".")[0] in OURS:
        return FAULT
    return None


def is_unusable(home: Path, error: OSError) -> bool:
    """Whether the system refused to make or write the home itself or a folder above it."""
    path = Path(error.filename) if error.errno in NO_PLACE and isinstance(error.filename, str) else None
    return path is not None and (path == home or home in path.parents or path in home.parents)


def is_named(options: argparse.Namespace, error: OSError) -> bool:
    """Whether the system refused a path that the command line names, other than the home, or one in or above it."""
    wrong = (*NO_PLACE, errno.ENOENT, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)
    named = [value for name, value in vars(options).items() if isinstance(value, Path) and name != "home"]
    path = Path(error.filename) if error.errno in wrong and isinstance(error.filename, str) else None
    return path is not None and any(path == one or one in path.parents or path in one.parents for one in named)


def complain(text: str, code: int) -> int:
    """Print what went wrong and return the exit code."""
    print(f"lethe: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
