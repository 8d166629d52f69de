"""What each group of benchmarks runs, and the rows that its figures become, with bars and peers beside them."""

from __future__ import annotations

from typing import Any

from benchmarks.running import HERE, ROOT, BenchmarkError, Row, Runner, interpreter_with, others_data

GIT_LOG = "git_activity/git_activity.jsonl.gz"
WEB_PEER = HERE / ".venvs" / "dbt_web"  # a checkout, or a link to one
PRESIDIO = ("presidio", "presidio_analyzer", "presidio-analyzer==2.2.366", "spacy")
ANJANA = ("anjana", "anjana, pycanon", "anjana==1.2.3", "pycanon==1.3.5")
PIPELINE_DP = ("pipeline_dp", "pipeline_dp, pyarrow", "pipeline-dp==0.3.1", "pyarrow")
FLOWER = ("flower", "ray", "flwr[simulation]==1.41.0", "numpy")
MPYC = ("mpyc", "mpyc", "mpyc==0.11", "numpy")


def simulator(runner: Runner) -> list[Row]:
    rate = runner.document("simulator_throughput")["simulated_events_per_s"]
    return [Row("simulator", rate, "events/s, one core", 100_000)]


def imports(runner: Runner) -> list[Row]:
    file = others_data() / GIT_LOG
    if not file.exists():
        raise BenchmarkError(f"no {GIT_LOG}; set LETHE_SHARED_DATA")
    mapping = ROOT / "examples" / "git_activity" / "mapping.yaml"
    lines = runner.text("import_throughput", str(file), str(mapping), "3").splitlines()
    rates = [float(line.split(" s, ")[1].split(" ")[0].replace(",", "")) for line in lines if "records/s" in line]
    return [Row("import, 210,302 git records", max(rates), "records/s, two cores", 40_000, "best of 3")]


def kernel(runner: Runner) -> list[Row]:
    peer, why = interpreter_with(*PRESIDIO)
    found = runner.document("privacy_kernel", "--json", *(("--peer-python", peer) if peer else ()))
    bars = {1: 350_000.0, 2: 700_000.0}
    rows = []
    for figure in found["figures"]:
        ours = "presidio" not in figure["name"].lower()
        bar = bars.get(figure["cores"]) if ours and "without" not in figure["name"] else None
        rows.append(Row(figure["name"], figure["rows_per_second"], f"rows/s, {figure['cores']} core(s)", bar))
    if said := why or found.get("note"):
        rows.append(Row("peer: Presidio detection", None, "rows/s", None, str(said)))
    return rows


def main_job(runner: Runner) -> list[Row]:
    """From nothing to a champion: the real log, then the simulated one."""
    file = others_data() / GIT_LOG
    rows = []
    if file.exists():
        found = runner.document("main_job", str(file), str(ROOT / "examples" / "git_activity" / "mapping.yaml"))
        rows = [*_job_rows("main job, git log", found, 150), Row("main job, AUC", found["auc"], "AUC", 0.890)]
    return [*rows, *_job_rows("main job, 100,000 simulated events", runner.document("main_job"), 120)]


def _job_rows(name: str, found: dict[str, Any], seconds: float) -> list[Row]:
    code = f"exit {found['exit_code']}"
    return [
        Row(name, found["seconds"], "s", seconds, code, less_is_better=True),
        Row(f"{name}, memory", found["peak_mb"], "MB", 2_500, less_is_better=True),
        Row(f"{name}, again with nothing new", found["second_run_seconds"], "s", 25, less_is_better=True),
    ]


def one_new_day(runner: Runner) -> list[Row]:
    """What `lethe run` does with one new day, after a history and after one ten times longer."""
    printed = runner.text("one_new_day")
    ratio = float(printed.split("ratio ")[-1].split(" ")[0])
    return [Row("lethe run, one new day at 10 times the history", ratio, "times the cost", 1.3, less_is_better=True)]


def dbt_builds(runner: Runner) -> list[Row]:
    """At a tenth of the size that the bars are about: `python -m benchmarks.dbt_incremental --events 10000000`."""
    found = runner.document("dbt_incremental")
    size = f"{found['n_events']:,} events"
    work = f"of processor work {found['cpu_ratio']:.2f}; the Sunday {found['sunday_ratio']:.2f}"
    ratio = "dbt, one new day at 10 times the history"
    return [
        Row(ratio, found["ratio"], "times the cost", 1.3, work, less_is_better=True),
        Row(f"dbt, one new day after {size}", found["day_seconds"], "s", None, "bar at 10,000,000: 30"),
        Row(f"dbt, full build of {size}", found["full_seconds"], "s", None, "bar at 10,000,000: 720"),
        Row("memory of both", found["full_gb"], "GB", 4.0, less_is_better=True),
    ]


def detection(runner: Runner) -> list[Row]:
    peer, why = _beside(PRESIDIO, "peer: Presidio")
    found = runner.document("pii_detection", "--json", *peer)
    bars = {
        "pattern_micro_f1": 0.93, "phone_f1": 0.88, "name_recall": 0.85, "name_precision": 0.65,
        "texts_per_second": 40_000.0,
    }  # fmt: skip
    rows = [Row(f"detection, {name}", found[name], "", bar) for name, bar in bars.items()]
    false = {name: value for name, value in found.items() if name.startswith("false_per_1000")}
    rows += [Row(f"detection, {name}", value, "", 20.0, less_is_better=True) for name, value in false.items()]
    rows += [Row(name, value, "") for name, value in found.items() if name.startswith("peer: ")]
    return rows + why


def anonymity(runner: Runner) -> list[Row]:
    peer, why = _beside(ANJANA, "peers: anjana, pycanon")
    figures = runner.document("anonymity", "--json", *peer)["figures"]
    return [Row(f["name"], f["value"], f["unit"], f["bar"], less_is_better=f["at_most"]) for f in figures] + why


def private_release(runner: Runner) -> list[Row]:
    peer, why = _beside(PIPELINE_DP, "peer: PipelineDP")
    first, *others = runner.document("differential_privacy", "--json", *peer)["figures"]
    return [
        Row("private grouped count, median relative error", first["relative_error"], "%", 6.0, less_is_better=True),
        Row("private grouped count", first["seconds"], "s", 1.0, less_is_better=True),
        *(Row(f["name"], f["relative_error"], f"%, in {f['seconds']:.2f} s") for f in others),
        *why,
    ]


def vault(runner: Runner) -> list[Row]:
    return [
        Row(
            f["name"], f["by_clock"], f["unit"], f["bar"], f"{f['at_rest']:,.3g} with a core at hand",
            f["unit"] == "seconds",
        )
        for f in runner.document("vault", "--json")["figures"]
    ]  # fmt: skip


def exports(runner: Runner) -> list[Row]:
    found = runner.document("exports")
    return [
        Row("export of a million rows in five formats", found["seconds"], "s", 60.0, less_is_better=True),
        Row("memory of that export", found["peak_mb"], "MB", 512.0, less_is_better=True),
    ]


def erasure(runner: Runner) -> list[Row]:
    """At a tenth of the size that the bar is about: making ten million events takes eleven minutes."""
    printed = runner.text("erasure", "--events", "1000000")
    seconds = float(printed.split("erased with proof in ")[1].split(" s")[0])
    return [Row("one person among a million events erased, with proof", seconds, "s", 60.0, less_is_better=True)]


def breaches(runner: Runner) -> list[Row]:
    """With `lethe up` running beside it: what its sensor waits is in the figure."""
    found = runner.document("breaches")
    name = f"marked tables to drafts, {found['events']:,} events of {found['people']:,} people"
    note = f"slowest of {', '.join(map(str, found['seconds']))}"
    return [Row(name, found["slowest"], "s", 300.0, note, less_is_better=True)]


def rulings(runner: Runner) -> list[Row]:
    found = runner.document("rulings")
    name, n_days = f"days pending after a ruling on {found['rare_type']}", found["days_of_rare_type"]
    return [
        Row(name, found["pending"], f"of {found['days']} days", n_days, "bar: those that hold it", less_is_better=True),
        Row("ruling, and finding those days", found["seconds"], "s"),
    ]


def identities(runner: Runner) -> list[Row]:
    found = runner.document("identities")
    note = f"{found['seconds_of_all_days']} s before"
    return [
        Row("days to transform again after a merge of two ids", found["days_of_one_merge"], f"of {found['days']} days"),
        Row(f"{found['merges']} merges at once", found["seconds_of_merges"], "s"),
        Row("transform of all days with half the ids merged", found["seconds_of_all_days_merged"], "s", note=note),
    ]


def web_sessions(runner: Runner) -> list[Row]:
    found = runner.document("web_sessions", *(("--peer", str(WEB_PEER)) if WEB_PEER.exists() else ()))
    return [
        Row("page views, sessions and people of a website", found["ours"], "events/s"),
        Row("peer: dbt web package on the same events", found.get("peer"), "events/s", note=str(found["why"])),
    ]


def embeddings(runner: Runner) -> list[Row]:
    folder = others_data()
    if not (folder / "intents").is_dir():
        raise BenchmarkError("no intents/; set LETHE_SHARED_DATA")
    found = runner.document("embeddings", str(folder))
    chance = f"chance {found['banking77_chance']:.1%}"
    return [
        Row(
            f"texts of {found['long_characters']} characters as vectors", found["long_texts_per_s"],
            "texts/s, one core", 5_000,
        ),
        Row(
            "nearest question has the same intent", found["banking77_same_intent_ours"], "share, banking77", 0.8, chance
        ),
        Row("peer: scikit-learn's feature hashing", found["banking77_same_intent_hashing_peer"], "share, banking77"),
        Row("peer: TF-IDF with a vocabulary", found["banking77_same_intent_learned_peer"], "share, banking77"),
    ]  # fmt: skip


def federated(runner: Runner) -> list[Row]:
    peer, why = interpreter_with(*FLOWER)
    found = runner.document("federated", *(("--peer-python", peer) if peer else ()))
    ten, fifty, noise, beside = found["ten"], found["fifty"], found["noise"], found.get("flower", {"why": why})
    rows = [
        Row(
            "secure sums, 10 silos, 100,000 numbers", ten["silo_cpu_ms"], "ms of a core a silo", 10.0,
            f"{ten['silo_ms']:.1f} by the clock; 2 left", True,
        ),
        Row("secure sums, 50 silos, 100,000 numbers", fifty["silo_cpu_ms"], "ms of a core a silo", note="3 left"),
    ]  # fmt: skip
    for name, figures in found["auc"].items():
        for method in ("update", "gradient"):
            of = figures[method]
            rows.append(Row(
                f"federated churn AUC, {name}, {method}s", of["federated"]["value"], "AUC, later rows",
                of["central"]["value"] - 0.01,
                f"central {of['central']['value']:.4f}, local only {of['local_only']:.4f}, {figures['silos']} silos",
            ))  # fmt: skip
    rows.append(Row("with noise, epsilon 3 a person", noise["epsilon_3"], "AUC", None, f"{noise['plain']:.4f} without"))
    note = why or str(beside.get("why", f"{beside.get('rounds')} rounds in {beside.get('seconds', 0):.0f} s; no masks"))
    return [*rows, Row("peer: Flower, the same local updates", beside.get("auc"), "AUC, simulated", None, note)]


def multi_party(runner: Runner) -> list[Row]:
    peer, why = interpreter_with(*MPYC)
    found = runner.document("multi_party", *(("--peer-python", peer) if peer else ()))
    beside, cpu = found["mpyc"], found["million_cpu_seconds"]
    note = f"{cpu:.2f} s of cores for all three"
    rows = [Row("sum of a million numbers, three parties, TLS", found["million_seconds"], "s", 2.0, note, True)]
    for name in ("short", "mean", "histogram"):
        what = "sum of 20,000 numbers" if name == "short" else f"{name} of 30,000 values"
        rows.append(Row(f"{what}, three parties, TLS", found[f"{name}_seconds"], "s", note="connecting included"))
    return [
        *rows,
        Row("peer: mpyc, sum of 20,000", beside.get("seconds"), "s", note=why or str(beside.get("why", "no TLS"))),
    ]


def _beside(packages: tuple[str, ...], name: str) -> tuple[tuple[str, ...], list[Row]]:
    """The arguments that put a peer beside ours, or the row that says why it is not there."""
    python, why = interpreter_with(*packages)
    return (("--peer-python", python), []) if python else ((), [Row(name, None, "", None, why)])
