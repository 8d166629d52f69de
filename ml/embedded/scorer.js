// Scores rows with a model that Lethe exported. This file and the model's JSON are all it takes: no package.
//
//   const { score } = require("./lethe_scorer.js");            // Node; in a browser: LetheScorer.score
//   score(model, { recency_days: 3.0, n_events_28d: null });   // the probability; null where a value is missing
//
// It is the same arithmetic as lethe_scorer.py beside it.
(function (root, made) {
  "use strict";
  if (typeof module === "object" && module.exports) {
    module.exports = made();
  } else {
    root.LetheScorer = made();
  }
})(typeof self === "object" ? self : this, function () {
  "use strict";
  const FORMAT = "lethe.embedded/1";

  function numberOf(row, name) {
    if (!Object.prototype.hasOwnProperty.call(row, name) || row[name] === undefined) {
      throw new Error("the row has no " + name + "; give null where the value is not known");
    }
    return row[name] === null ? NaN : Number(row[name]);
  }

  function logistic(raw) {
    if (raw >= 0) {
      return 1 / (1 + Math.exp(-raw));
    }
    const odds = Math.exp(raw);
    return odds / (1 + odds);
  }

  function leafOf(tree, values) {
    let node = 0;
    while (tree.feature[node] >= 0) {
      const value = values[tree.feature[node]];
      const goesLeft = Number.isNaN(value) ? tree.missing_left[node] : value <= tree.threshold[node];
      node = goesLeft ? tree.left[node] : tree.right[node];
    }
    return tree.value[node];
  }

  function score(model, row) {
    if (!model || model.format !== FORMAT) {
      throw new Error("this is no model in the format " + FORMAT + "; export it again");
    }
    let values = model.columns.map((name) => numberOf(row, name));
    for (const step of model.steps) {
      switch (step.kind) {
        case "impute":
          values = values.map((value, at) => (Number.isNaN(value) ? step.values[at] : value));
          break;
        case "asinh":
          values = values.map(Math.asinh);
          break;
        case "scale":
          values = values.map((value, at) => (value - step.mean[at]) / step.scale[at]);
          break;
        case "linear":
          return logistic(values.reduce((sum, value, at) => sum + value * step.weights[at], step.intercept));
        case "trees":
          return logistic(step.trees.reduce((sum, tree) => sum + leafOf(tree, values), step.start));
        case "constant":
          return step.probability;
        default:
          throw new Error("the model has a step " + step.kind + ", which this scorer does not know; take a newer one");
      }
    }
    throw new Error("the model has no last step; export it again");
  }

  return { score };
});
