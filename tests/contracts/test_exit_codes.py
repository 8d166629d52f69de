"""Every error of ours is ruled on: wrong input (2), a refusal (3) or a fault (1). A new one fails here until it is."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import collection
import ml
import orchestration
import privacy
import quality
import warehouse
from orchestration import cli

pytestmark = pytest.mark.xdist_group("orchestration")  # which has imported nearly all of it

# Nobody who types a command brings these about by what they typed: the machine, the state of the home, damage, a defect
# of ours, too little data, or another party does. Those who derive from one of these are not ruled on by it.
FAULTS = {
    "collection": {
        "ConcurrentImportError", "CountMismatchError", "RecordFault", "RefusedBatchError", "WarehouseFullError",
    },
    "ml": {
        "ApprovalError", "ApprovalMissingError", "ArtefactError", "FederatedError", "ForgedMessageError",
        "IncompleteFeatureError", "InconsistentSurvivorsError", "InvertedScoreError", "LifetimeFitError",
        "MissingFeatureError", "MissingFeaturesError", "NoChampionError", "NoGroupsError", "NoSignsError",
        "NoThresholdError", "NoUsableColumnError", "NoVerdictsError", "NotSharedError", "NothingPendingError",
        "NothingSharedError",
        "NothingToScoreError", "NothingToldError", "OneClassError", "OverdueModelError", "RegistryError",
        "ReplayedRoundError", "ScorersDisagreeError", "TamperedApprovalError", "TamperedArtefactError",
        "TooFewLabelsError", "TooFewSessionsError", "TooFewSilosError", "TooLittleHistoryError", "TooShortALogError",
        "TorchMissingError", "TrainingSetError", "UnexportableModelError", "UnknownFormatError", "UnknownStepsError",
        "UnsealedChampionError", "UntraceableVersionError", "UntrustedArtefactError", "UnusableValueError",
        "UnusableVectorError", "WrongLengthError",
    },
    "orchestration": {
        "AlreadyUpError", "AnotherRunError", "DbtParseError", "NoFilesError", "RunFailedError", "ServiceFailedError",
        "SiloGoneError", "SparkMissingError",
    },
    "privacy": {
        "BrokenLedgerError", "ChangedNoticeError", "ChangedPackageError", "ContributionQueryError",
        "DamagedVaultError", "DifferentComputationError", "ErasureError", "ForgottenSubjectError",
        "InconsistentResultError", "InertPredicateError", "KernelFailureError", "MalformedMessageError",
        "MissingTokenError", "MissingTombstonesError", "MultiPartyError", "NoSuchFormatError", "OpenTransactionError",
        "PartyAbortedError", "PartyGoneError", "PrivacyError", "ReadOnlyTargetError", "ReadableVaultError",
        "Returned", "RotationRunningError", "SpentDrawsError", "SubjectGoneError", "SurvivingRowsError",
        "TaggerUntrainedError",
        "UnboundedLookError", "UncalibratedNoiseError", "UncoveredCarrierError", "UncoveredTableError",
        "UnerasedKeyError", "UnprovenOutcomeError", "UnreconciledDayError", "UntrustedPartyError",
        "UnwritableNameError", "VaultKeyMismatchError", "VaultKeyMissingError",
    },
    "quality": {"MissingFeatureError", "UnknownParameterError", "UnknownSuiteError", "UnsafeNameError"},
    "warehouse": {
        "DatabaseUnreachableError", "MigrationChangedError", "NotExportableError", "ServerStartError",
        "UnsupportedServerError", "UntranslatableError", "WarehouseError",
    },
}  # fmt: skip


def errors() -> dict[str, type[Exception]]:
    """Every exception that a module of ours defines, by its full name."""
    found = {}
    for package in (collection, ml, orchestration, privacy, quality, warehouse):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("__main__"):
                continue
            for name, kind in vars(importlib.import_module(module.name)).items():
                if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == module.name:
                    found[f"{module.name}.{name}"] = kind
    return found


def rulings(kind: type[Exception]) -> list[int]:
    """The exit codes that somebody ruled for an error: one, if all is well."""
    names = {base.__name__ for base in kind.__mro__}
    is_fault = kind.__name__ in FAULTS.get(kind.__module__.split(".")[0], ())
    ruled = {cli.USAGE: names & cli.WRONG_INPUT, cli.REFUSED: names & cli.REFUSALS, cli.FAULT: is_fault}
    return [code for code, found in ruled.items() if found]


def test_every_error_is_ruled_on_once_and_exits_so() -> None:
    known = errors()
    assert len(known) > 180
    assert {name: ruled for name, kind in known.items() if len(ruled := rulings(kind)) != 1} == {}
    wrong = {name: kind for name, kind in known.items() if cli.exit_code(kind.__new__(kind)) != rulings(kind)[0]}
    assert wrong == {}


def test_every_ruling_is_of_an_error_that_exists() -> None:
    """Rulings are by name, so that a command imports nothing for them; a renamed error would silently change sides."""
    names = {(kind.__module__.split(".")[0], kind.__name__) for kind in errors().values()}
    assert {name for _, name in names} >= cli.WRONG_INPUT | cli.REFUSALS
    assert {(package, name) for package, found in FAULTS.items() for name in found} <= names


def test_an_error_that_nobody_ruled_on_is_found() -> None:
    from privacy.errors import PrivacyError

    class NewError(PrivacyError):
        """An error of which nobody said whose it is; its base is a fault."""

    NewError.__module__ = "privacy.errors"
    assert rulings(PrivacyError) == [cli.FAULT]
    assert rulings(NewError) == []
