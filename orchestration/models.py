"""`lethe models`: what there is, a version as a file that scores anywhere, people's approvals. Wiring: ml does it."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration import private_models
from orchestration.cli import DONE, USAGE, complain
from orchestration.privacy.commands import AddCommand
from warehouse.settings import Settings

if TYPE_CHECKING:
    from orchestration.platform import Platform

SEED = 20261122
NAMES = ("churn", "next_action")  # as in ml.gates.POLICIES, which takes a second to import


def add(commands: Any, command: AddCommand) -> None:
    """Add `models list`, `export`, `private`, `waiting`, `approve` and `refuse`."""
    parser = commands.add_parser(
        "models", help="model versions: list them, take one out to score anywhere, approve one"
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    every = command(actions, "list", "every model with its versions: aliases, what they are, what their gates said")
    every.set_defaults(run=list_all)
    exporting = command(actions, "export", "a version as JSON with scorers in Python and JavaScript, no library needed")
    exporting.add_argument("--to", type=Path, required=True, metavar="DIR", help="the folder to write, new or empty")
    exporting.add_argument("--model-version", type=int, help="the version (default: the champion)")
    exporting.add_argument("--onnx", action="store_true", help="model.onnx beside it (pip install 'lethe[onnx]')")
    exporting.set_defaults(run=export)
    private_models.add(actions, command)
    listing = command(actions, "waiting", "versions that passed their gates and wait for people's approval")
    listing.set_defaults(run=waiting)
    approving = command(actions, "approve", "approve a promotion; the second person's approval makes it champion")
    approving.set_defaults(run=approve)
    refusing = command(actions, "refuse", "refuse a promotion for good")
    refusing.set_defaults(run=refuse)
    for deciding in (approving, refusing):
        add_name(deciding)
        deciding.add_argument("--model-version", type=int, required=True, help="the version that waits")
        deciding.add_argument("--by", required=True, metavar="NAME", help="who decides; kept in the decision journal")
        deciding.add_argument("--reason", required=True, help="why; kept in the decision journal")


def add_name(parser: argparse.ArgumentParser) -> None:
    """Add `--model`."""
    parser.add_argument("--model", choices=NAMES, default=NAMES[0], help="which model (default: %(default)s)")


def list_all(settings: Settings, _options: argparse.Namespace) -> int:
    """Print every version of every model, newest first."""
    from ml.taint import TAINTED
    from orchestration.handlers import say
    from orchestration.platform import Platform

    for registry in Platform.open(settings).registries:
        versions, aliases, champion = registry.versions(), registry.aliases(), registry.champion()
        say(f"{registry.name}: {f'version {champion} is champion' if champion else 'no champion'}")
        for version, tags in sorted(versions.items(), reverse=True):
            passed = {"True": "passed its gates", "False": "refused by its gates"}.get(
                tags.get("lethe.gates_passed", "")
            )
            marked = "tainted" if TAINTED in tags else ""
            said = [", ".join(aliases.get(version, ())), tags.get("lethe.rung"), passed or "not judged", marked]
            say(f"  version {version}: {'; '.join(part for part in said if part)}")
    return DONE


def waiting(settings: Settings, _options: argparse.Namespace) -> int:
    """Print each version that waits, who approved it, and what its gates said."""
    from ml.four_eyes import describe
    from orchestration.handlers import say
    from orchestration.platform import Platform
    from orchestration.training import four_eyes

    platform = Platform.open(settings)
    for registry in platform.registries:
        with platform.journal() as journal:
            found = four_eyes(platform, journal, registry.name).waiting(settings.now())
        for item in found:
            asked_at = f"{item.request.asked_at:%Y-%m-%d %H:%M}"
            say(f"version {item.request.version} since {asked_at}, {describe(item.standing)}")
            say(f"  {registry.describe(item.request.version)['decision']}")
        say(f"{len(found)} versions of {registry.name} wait for approval")
    return DONE


def approve(settings: Settings, options: argparse.Namespace) -> int:
    """Take an approval and say what is missing, or who is champion now."""
    from ml.four_eyes import describe
    from orchestration.handlers import say
    from orchestration.platform import Platform
    from orchestration.training import four_eyes

    platform = Platform.open(settings)
    with platform.journal() as journal:
        stands = four_eyes(platform, journal, options.model).approve(
            options.model_version, options.by, options.reason, settings.now()
        )  # fmt: skip
    done = "it is champion now" if stands.is_complete else "another person has to approve it"
    say(f"version {options.model_version} of {options.model}: {describe(stands)}; {done}")
    return DONE


def refuse(settings: Settings, options: argparse.Namespace) -> int:
    """Take a refusal."""
    from orchestration.handlers import say
    from orchestration.platform import Platform
    from orchestration.training import four_eyes

    platform = Platform.open(settings)
    with platform.journal() as journal:
        people = four_eyes(platform, journal, options.model)
        people.refuse(options.model_version, options.by, options.reason, settings.now())
    say(f"version {options.model_version} of {options.model} is refused and will not be promoted")
    return DONE


def export(settings: Settings, options: argparse.Namespace) -> int:
    """Write model.json, the two scorers and the ONNX graph, after they were seen to agree with the model."""
    from ml.embedded.document import encode
    from orchestration.handlers import say
    from orchestration.platform import Platform

    platform = Platform.open(settings)
    version = options.model_version or platform.registry.champion()
    if version is None:
        return complain(f"{platform.registry.name} has no champion yet; name a --model-version", USAGE)
    if is_taken(options.to):
        return complain(f"{options.to} is not empty; name another folder", USAGE)
    document, gap, n_rows = exported(platform, version)
    text, graph = encode(document), onnx_of(document, n_rows) if options.onnx else None
    write(options.to, text, graph)
    tell(platform, version, gap, n_rows)
    say(
        f"{options.to}: {platform.registry.name} version {version}, {len(text):,} bytes, SHA-256 "
        f"{hashlib.sha256(text.encode()).hexdigest()}; off by at most {gap:.1g} on {n_rows:,} drawn rows"
    )
    return DONE


def is_taken(folder: Path) -> bool:
    """Whether something is there that writing would cover or mix with."""
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


def exported(platform: Platform, version: int) -> tuple[dict[str, Any], float, int]:
    """The document of a version, its largest difference from the model, and the rows that was seen on."""
    import numpy as np

    from ml.embedded.agreement import N_ROWS, probe_rows, require_agreement
    from ml.embedded.document import document_of

    pipeline, name = platform.registry.load_version(version).pipeline, platform.registry.name
    digest = platform.registry.versions()[version]["lethe.artifact_sha256"]
    document = document_of(pipeline, model=name, version=version, digest=digest)
    gap = require_agreement(pipeline, document, probe_rows(document, N_ROWS, np.random.default_rng(SEED)))
    return document, gap, N_ROWS


def onnx_of(document: dict[str, Any], n_rows: int) -> bytes:
    """The document as an ONNX graph that says the same of as many drawn rows. Raises ScorersDisagreeError."""
    import numpy as np

    from ml.embedded import onnx_graph
    from ml.embedded.agreement import probe_rows, require_equal, scores

    graph, rows = onnx_graph.graph_of(document), probe_rows(document, n_rows, np.random.default_rng(SEED))
    require_equal(onnx_graph.scores(graph, rows[document["columns"]].to_numpy(np.float64)), scores(document, rows))
    return graph


def write(folder: Path, text: str, graph: bytes | None = None) -> None:
    """The model and the scorers, under the names that their own comments use, and the ONNX graph that was asked for."""
    from ml import embedded

    source = Path(embedded.__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(text, encoding="utf-8")
    if graph is not None:
        (folder / "model.onnx").write_bytes(graph)
    for suffix in ("py", "js"):
        (folder / f"lethe_scorer.{suffix}").write_bytes((source / f"scorer.{suffix}").read_bytes())


def tell(platform: Platform, version: int, gap: float, n_rows: int) -> None:
    """Journal that a model left this home."""
    from ml.journal import Entry, Event

    text = f"Somebody with access to this home exported version {version}; its scores were compared on {n_rows} rows."
    figures = {"version": version, "largest_difference": gap, "n_rows": n_rows}
    with platform.journal() as journal:
        name = platform.registry.name
        journal.write(Entry(Event.MODEL_DOWNLOADED, None, name, f"Version {version} exported", text, figures))
