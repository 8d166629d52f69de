"""The model and its exports in Python and JavaScript say the same of ten thousand rows; nothing else is in them."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ml import churn, embedded
from ml.embedded import agreement, onnx_graph, scorer
from ml.embedded.agreement import LARGEST_DIFFERENCE, ScorersDisagreeError
from ml.embedded.document import UnexportableModelError, document_of, encode
from ml.embedded.onnx_graph import OnnxMissingError
from ml.embedded.scorer import MissingFeatureError, UnknownFormatError
from ml.training_sets import KEYS, LABEL
from tests.ml import synthetic

SOURCES = Path(embedded.__file__).parent
CANARY = 987_654.321987
N_ONLINE = 100

Exported = tuple[Pipeline, dict[str, Any]]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Ten thousand rows with missing values, and a column that is always missing."""
    frame = synthetic.frame(500, 20).assign(empty=np.nan)
    frame.loc[7, "noise_0"] = CANARY
    return frame


@pytest.fixture(scope="module", params=churn.RUNGS)
def exported(request: pytest.FixtureRequest, rows: pd.DataFrame) -> Exported:
    """A rung fitted on some of the rows, and its export."""
    known = rows.head(3_000)
    features = known.drop(columns=[*KEYS, LABEL])
    fitted = churn.fit(request.param, features, known[LABEL].to_numpy(np.bool_))
    return fitted, json.loads(encode(document_of(fitted, model="churn", version=3, digest="d" * 64)))


def test_batch_online_and_embedded_agree_on_ten_thousand_rows(exported: Exported, rows: pd.DataFrame) -> None:
    fitted, document = exported
    batch, alone = churn.probabilities(fitted, rows), agreement.scores(document, rows)
    assert len(batch) == 10_000
    assert np.abs(batch - alone).max() <= LARGEST_DIFFERENCE
    online = [churn.probabilities(fitted, rows.iloc[[at]])[0] for at in range(N_ONLINE)]
    assert np.abs(np.array(online) - alone[:N_ONLINE]).max() <= LARGEST_DIFFERENCE


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed here: JavaScript is not compared")
def test_javascript_agrees_on_ten_thousand_rows(exported: Exported, rows: pd.DataFrame, tmp_path: Path) -> None:
    fitted, document = exported
    known = rows[document["columns"]].astype(object)
    table = known.where(known.notna(), None).to_numpy().tolist()
    shutil.copy(SOURCES / "scorer.js", tmp_path / "lethe_scorer.js")
    (tmp_path / "model.json").write_text(encode(document))
    (tmp_path / "rows.json").write_text(json.dumps(table))
    (tmp_path / "run.js").write_text(
        "const fs = require('fs'); const { score } = require('./lethe_scorer.js');\n"
        "const read = (name) => JSON.parse(fs.readFileSync(__dirname + '/' + name));\n"
        "const model = read('model.json');\n"
        "const row = (values) => Object.fromEntries(values.map((value, at) => [model.columns[at], value]));\n"
        "console.log(JSON.stringify(read('rows.json').map((values) => score(model, row(values)))));\n"
    )
    run = subprocess.run(["node", tmp_path / "run.js"], capture_output=True, text=True, check=True)
    gap = np.abs(np.array(json.loads(run.stdout)) - churn.probabilities(fitted, rows))
    assert len(gap) == 10_000
    assert gap.max() <= LARGEST_DIFFERENCE


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed here")
@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"format": "other"}, "no model in the format"),
        ({"format": scorer.FORMAT, "columns": ["a"], "steps": []}, "the row has no a"),
        ({"format": scorer.FORMAT, "columns": [], "steps": []}, "no last step"),
        ({"format": scorer.FORMAT, "columns": [], "steps": [{"kind": "svm"}]}, "does not know"),
    ],
)
def test_javascript_refuses_what_it_does_not_know(model: dict[str, object], said: str) -> None:
    script = f"require({json.dumps(str(SOURCES / 'scorer.js'))}).score({json.dumps(model)}, {{}})"
    run = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=False)
    assert run.returncode
    assert said in run.stderr


def test_onnx_agrees_on_ten_thousand_rows_and_where_the_two_could_part(exported: Exported, rows: pd.DataFrame) -> None:
    fitted, document = exported
    graph = onnx_graph.graph_of(document)
    for asked in (rows, agreement.probe_rows(document, 10_000, np.random.default_rng(5))):
        gap = np.abs(
            onnx_graph.scores(graph, asked[document["columns"]].to_numpy()) - churn.probabilities(fitted, asked)
        )
        assert len(gap) == 10_000
        assert gap.max() <= LARGEST_DIFFERENCE
    for spelled in (str(CANARY).encode(), np.float64(CANARY).tobytes(), np.float32(CANARY).tobytes()):
        assert spelled not in graph
    about = {found.key: found.value for found in onnx.load_from_string(graph).metadata_props}
    assert json.loads(about["columns"]) == document["columns"]
    assert (about["version"], about["artifact_sha256"]) == ("3", "d" * 64)


def test_onnx_knows_trees_of_one_leaf_and_endless_thresholds_and_refuses_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    split = {"feature": [0, -1, -1], "threshold": [1.7976931348623157e308, 0, 0], "left": [1, 0, 0],
             "right": [2, 0, 0], "missing_left": [0, 0, 0], "value": [0, 1.0, -1.0]}  # fmt: skip
    leaf = {"feature": [-1], "threshold": [0.0], "left": [0], "right": [0], "missing_left": [0], "value": [0.25]}
    steps = [{"kind": "trees", "start": 0.5, "trees": [leaf, split]}]
    document = {"model": "m", "version": None, "artifact_sha256": None, "columns": ["a"], "steps": steps}
    asked = np.array([[3.0], [np.nan], [1e308]])
    alone = agreement.scores(document, pd.DataFrame(asked, columns=["a"]))
    assert np.abs(onnx_graph.scores(onnx_graph.graph_of(document), asked) - alone).max() <= LARGEST_DIFFERENCE
    with pytest.raises(UnexportableModelError, match="the step svm"):
        onnx_graph.graph_of({**document, "steps": [{"kind": "svm"}]})
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(OnnxMissingError, match=r"lethe\[onnx\]"):
        onnx_graph.graph_of(document)


def test_the_scorers_need_nothing() -> None:
    """Python without its packages, and a JavaScript file without a require."""
    tree = ast.parse((SOURCES / "scorer.py").read_text())
    named = [n for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names]
    imported = {alias.name for alias in named}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names
    code = "\n".join(
        line for line in (SOURCES / "scorer.js").read_text().splitlines() if not line.strip().startswith("//")
    )
    assert "require" not in code
    assert "import" not in code


def test_python_scores_outside_of_this_project(exported: Exported, rows: pd.DataFrame, tmp_path: Path) -> None:
    fitted, document = exported
    shutil.copy(SOURCES / "scorer.py", tmp_path / "lethe_scorer.py")
    (tmp_path / "model.json").write_text(encode(document))
    row = {name: None if pd.isna(value) else value for name, value in rows[document["columns"]].iloc[5].items()}
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import lethe_scorer as s;"
        f"print(s.score(s.load({str(tmp_path / 'model.json')!r}), {row!r}))"
    ).replace("np.float64", "float")
    run = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    assert abs(float(run.stdout) - churn.probabilities(fitted, rows.iloc[[5]])[0]) <= LARGEST_DIFFERENCE


def test_an_export_holds_no_row(exported: Exported, rows: pd.DataFrame) -> None:
    """A value that one person alone has is not in it, nor how many rows anything was learnt from, nor their keys."""
    text = encode(exported[1])
    assert "987654" not in text
    values = [name for step in exported[1]["steps"] for name in step]
    assert set(values) <= {"kind", "values", "mean", "scale", "weights", "intercept", "start", "trees", "probability"}
    assert not {"count", "gain"} & {name for tree in exported[1]["steps"][-1].get("trees", ()) for name in tree}
    assert not any(str(subject) in text for subject in rows["subject"].unique())


def test_probes_lie_on_and_beside_every_kind_of_threshold(exported: Exported) -> None:
    fitted, document = exported
    drawn = agreement.probe_rows(document, 2_000, np.random.default_rng(1))
    assert list(drawn.columns) == document["columns"]
    assert drawn.isna().to_numpy().any()
    assert agreement.require_agreement(fitted, document, drawn) <= LARGEST_DIFFERENCE
    if trees := document["steps"][-1].get("trees"):
        used = trees[0]["feature"][0]
        assert drawn.iloc[:, used].isin(trees[0]["threshold"]).any(), "no row falls on a threshold of the first split"


def _a_weight(step: dict[str, Any]) -> None:
    step["weights"][0] += 1e-3


def _a_leaf(step: dict[str, Any]) -> None:
    step["trees"][0]["value"] = [value + 1e-3 for value in step["trees"][0]["value"]]


def _a_threshold(step: dict[str, Any]) -> None:
    for tree in step["trees"]:
        tree["threshold"] = [value + 1e-9 for value in tree["threshold"]]


@pytest.mark.parametrize(
    ("rung", "fault"),
    [("logistic regression", _a_weight), ("gradient boosting", _a_leaf), ("gradient boosting", _a_threshold)],
)
def test_an_export_that_says_something_else_is_refused(rung: str, fault: Callable[[dict[str, Any]], None]) -> None:
    rows = synthetic.frame(200, 4)
    features = rows.drop(columns=[*KEYS, LABEL])
    fitted = churn.fit(rung, features, rows[LABEL].to_numpy(np.bool_))
    document = document_of(fitted, model="churn")
    drawn = agreement.probe_rows(document, 1_000, np.random.default_rng(1))
    fault(document["steps"][-1])
    with pytest.raises(ScorersDisagreeError, match="is off by"):
        agreement.require_agreement(fitted, document, drawn)


def test_a_number_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(UnexportableModelError, match="no number"):
        encode({"intercept": float("nan")})


def _with(step: object) -> Pipeline:
    rows = synthetic.frame(40, 2)[["n_events_28d", "tenure_days"]]
    return Pipeline([("step", step), ("classify", RandomForestClassifier(2))]).fit(rows, np.arange(len(rows)) % 2 == 0)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (StandardScaler(), "RandomForestClassifier"),
        (StandardScaler(with_mean=False), "leaves out"),
        (FunctionTransformer(np.log1p), "arcsinh alone"),
        (SimpleImputer(add_indicator=True), "indicators"),
    ],
)
def test_a_model_that_no_scorer_knows_is_not_exported(step: object, said: str) -> None:
    with pytest.raises(UnexportableModelError, match=said):
        document_of(_with(step), model="churn")


def test_a_row_without_a_feature_and_a_strange_file_are_refused(tmp_path: Path) -> None:
    model = {"format": scorer.FORMAT, "columns": ["a"], "steps": [{"kind": "constant", "probability": 0.25}]}
    assert scorer.score(model, {"a": None}) == 0.25
    with pytest.raises(MissingFeatureError, match="give None"):
        scorer.score(model, {"b": 1.0})
    for steps in ([], [{"kind": "svm"}]):
        with pytest.raises(UnknownFormatError):
            scorer.score({**model, "steps": steps}, {"a": 1.0})
    (tmp_path / "model.json").write_text(json.dumps([model]))
    with pytest.raises(UnknownFormatError, match="export it again"):
        scorer.load(tmp_path / "model.json")
