"""An exported model as an ONNX graph in double precision, and its scores by ONNX Runtime. It reads the document only.

Extra `onnx`. Input `features`: doubles of shape (rows, columns), in the order of the metadata `columns`, NaN where a
value is missing. Output `probability`: doubles of shape (rows,).
Operators: https://onnx.ai/onnx/operators/ (opset 18) and ai.onnx.ml 5, whose TreeEnsemble keeps doubles.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.embedded.document import UnexportableModelError
from ml.intervals import Floats

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

    from ml.embedded.document import Step

OPSETS = {"": 18, "ai.onnx.ml": 5}
IR_VERSION = 10  # the newest that a runtime of 2024 reads
LARGE = 1e8  # from here on the square root of x² + 1 is x in doubles, and x² may overflow
AT_MOST, SUM = 0, 1  # TreeEnsemble's codes: left where value <= threshold; leaves of all trees are added


class OnnxMissingError(Exception):
    """The extra `onnx` is not installed."""


@dataclass(slots=True)
class Graph:
    """Nodes and constants so far; `now` is the name of what the last node made."""

    now: str = "features"
    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """A node, and the name of what it makes."""
        from onnx import helper

        domain = "ai.onnx.ml" if operator == "TreeEnsemble" else ""
        made = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [made], domain=domain, **attributes))
        return made

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        """A constant tensor, and its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name


def graph_of(document: Mapping[str, Any]) -> bytes:
    """The document's model as a serialised graph. Raises OnnxMissingError, UnexportableModelError."""
    _require("onnx")
    graph = Graph()
    for step in document["steps"]:
        if step["kind"] not in STEPS:
            raise UnexportableModelError(f"no ONNX operators are known for the step {step['kind']}")
        graph.now = STEPS[step["kind"]](graph, step)
    return bytes(_model(graph, document).SerializeToString())


def scores(content: bytes, rows: Floats) -> Floats:
    """The probability of each row (n, columns) by ONNX Runtime on one core, (n,). Raises OnnxMissingError."""
    _require("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    found: Floats = session.run(["probability"], {"features": np.ascontiguousarray(rows, np.float64)})[0]
    return found


def _model(graph: Graph, document: Mapping[str, Any]) -> ModelProto:
    from onnx import TensorProto, checker, helper

    graph.nodes.append(helper.make_node("Identity", [graph.now], ["probability"]))
    double = TensorProto.DOUBLE
    wide = helper.make_tensor_value_info("features", double, ["rows", len(document["columns"])])
    made = helper.make_tensor_value_info("probability", double, ["rows"])
    body = helper.make_graph(graph.nodes, str(document["model"]), [wide], [made], graph.constants)
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(body, opset_imports=opsets, ir_version=IR_VERSION, producer_name="lethe")
    about = {name: document[name] for name in ("model", "version", "artifact_sha256")}
    helper.set_model_props(
        model, {"columns": json.dumps(document["columns"])} | {name: str(value) for name, value in about.items()}
    )
    checker.check_model(model)
    return model


def _impute(graph: Graph, step: Step) -> str:
    return graph.add("Where", graph.add("IsNaN", graph.now), graph.constant(step["values"]), graph.now)


def _asinh(graph: Graph, _step: Step) -> str:
    """sign(x) log(|x| + sqrt(x² + 1)), and sign(x) (log |x| + log 2) far out: runtimes have Asinh of floats only."""
    size = graph.add("Abs", graph.now)
    one, near = graph.constant(1.0), graph.add("Min", size, graph.constant(LARGE))
    root = graph.add("Sqrt", graph.add("Add", graph.add("Mul", near, near), one))
    close = graph.add("Log", graph.add("Add", near, root))
    far = graph.add("Add", graph.add("Log", graph.add("Max", size, one)), graph.constant(math.log(2.0)))
    is_far = graph.add("Greater", size, graph.constant(LARGE))
    return graph.add("Mul", graph.add("Sign", graph.now), graph.add("Where", is_far, far, close))


def _scale(graph: Graph, step: Step) -> str:
    return graph.add("Div", graph.add("Sub", graph.now, graph.constant(step["mean"])), graph.constant(step["scale"]))


def _linear(graph: Graph, step: Step) -> str:
    weighted = graph.add("MatMul", graph.now, graph.constant(step["weights"]))  # a vector: (rows, columns) to (rows,)
    return graph.add("Sigmoid", graph.add("Add", weighted, graph.constant(step["intercept"])))


def _trees(graph: Graph, step: Step) -> str:
    summed = graph.add("TreeEnsemble", graph.now, **_ensemble(step["trees"]))
    flat = graph.add("Squeeze", summed, graph.constant([1], np.int64))
    return graph.add("Sigmoid", graph.add("Add", flat, graph.constant(step["start"])))


def _constant(graph: Graph, step: Step) -> str:
    rows = graph.add("Slice", graph.add("Shape", graph.now), *(graph.constant([at], np.int64) for at in (0, 1)))
    return graph.add("Expand", graph.constant([step["probability"]]), rows)


STEPS: Mapping[str, Callable[[Graph, Step], str]] = {
    "impute": _impute, "asinh": _asinh, "scale": _scale, "linear": _linear, "trees": _trees, "constant": _constant,
}  # fmt: skip


def _ensemble(trees: list[Mapping[str, list[Any]]]) -> dict[str, Any]:
    """The attributes of TreeEnsemble: splits of all trees in one row of columns, leaves in another."""
    from onnx import numpy_helper

    splits: dict[str, list[Any]] = {
        name: [] for name in ("feature", "threshold", "missing", "to_left", "left_leaf", "to_right", "right_leaf")
    }
    roots, leaves = [], list[float]()
    for tree in trees:
        roots.append(len(splits["feature"]))
        _append(_rooted(tree), splits, leaves)
    return {
        "n_targets": 1,
        "aggregate_function": SUM,
        "post_transform": 0,
        "tree_roots": roots,
        "nodes_featureids": splits["feature"],
        "nodes_splits": numpy_helper.from_array(np.array(splits["threshold"], np.float64)),
        "nodes_modes": numpy_helper.from_array(np.full(len(splits["feature"]), AT_MOST, np.uint8)),
        "nodes_missing_value_tracks_true": splits["missing"],
        "nodes_truenodeids": splits["to_left"],
        "nodes_trueleafs": splits["left_leaf"],
        "nodes_falsenodeids": splits["to_right"],
        "nodes_falseleafs": splits["right_leaf"],
        "leaf_targetids": [0] * len(leaves),
        "leaf_weights": numpy_helper.from_array(np.array(leaves, np.float64)),
    }


def _rooted(tree: Mapping[str, list[Any]]) -> Mapping[str, list[Any]]:
    """A tree that begins with a split; one that is a single leaf gets one whose sides are the same."""
    if tree["feature"][0] >= 0:
        return tree
    value = tree["value"][0]
    return {
        "feature": [0, -1, -1], "threshold": [0.0] * 3, "left": [1, 0, 0], "right": [2, 0, 0],
        "missing_left": [1, 0, 0], "value": [0.0, value, value],
    }  # fmt: skip


def _append(tree: Mapping[str, list[Any]], splits: dict[str, list[Any]], leaves: list[float]) -> None:
    """Add a tree's nodes: a side leads to a split or a leaf by its place among all splits, or among all leaves."""
    offset, is_split = len(splits["feature"]), [feature >= 0 for feature in tree["feature"]]
    place, n_leaves = list[int](), len(leaves)
    for at, split in enumerate(is_split):
        before = sum(is_split[:at])
        place.append(offset + before if split else n_leaves + at - before)
    for at in (at for at, split in enumerate(is_split) if split):
        left, right = tree["left"][at], tree["right"][at]
        values = (tree["feature"][at], tree["threshold"][at], int(tree["missing_left"][at]))
        sides = (place[left], int(not is_split[left]), place[right], int(not is_split[right]))
        for column, value in zip(splits.values(), (*values, *sides), strict=True):
            column.append(value)
    leaves += [value for value, split in zip(tree["value"], is_split, strict=True) if not split]


def _require(package: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise OnnxMissingError(f"{package} is not installed; pip install 'lethe[onnx]'")
