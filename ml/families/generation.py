"""How near generated sequences come to those taken: BLEU and ROUGE-L by their own libraries, the extra `generation`.

A high figure is no proof of right values: count open and wrong slots beside it (templates.Filled.missing).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ml.families.result import FamilyResult, mean_of, paired
from ml.intervals import Figure, Floats

Steps = Sequence[str]
Metric = Callable[[Floats], Floats]


def bleu(made: Sequence[Steps], taken: Sequence[Steps]) -> Metric:
    """Corpus BLEU, 0 to 1, over runs of up to 4 steps, each step a token, as a metric of counts of sequences (r, n).

    sacrebleu without a tokenizer, exponential smoothing (Papineni et al., ACL 2002; Post, WMT 2018). ValueError where
    the numbers of sequences differ.
    """
    from sacrebleu.metrics.bleu import BLEU

    scorer = BLEU(tokenize="none", smooth_method="exp", effective_order=True)
    scores = [scorer.sentence_score(a, [b]) for a, b in zip(_lines(made), _lines(taken), strict=True)]
    sums = np.array([[s.sys_len, s.ref_len, *s.counts, *s.totals] for s in scores], dtype=np.float64)

    def metric(counts: Floats) -> Floats:
        totals = (counts @ sums).round().astype(np.int64).tolist()
        return np.array(
            [BLEU.compute_bleu(t[2:6], t[6:10], t[0], t[1], smooth_method="exp").score / 100 for t in totals]
        )

    return metric


def rouge_l(made: Sequence[Steps], taken: Sequence[Steps]) -> Metric:
    """Mean ROUGE-L F1 of sequences (Lin 2004: longest common subsequence), each step a token, as such a metric."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], tokenizer=_Spaces())
    scores = [scorer.score(b, a)["rougeL"].fmeasure for a, b in zip(_lines(made), _lines(taken), strict=True)]
    return mean_of(np.array(scores, dtype=np.float64), np.arange(len(scores)).astype(object))


def compared(
    made: Sequence[Steps], by_baseline: Sequence[Steps], taken: Sequence[Steps], names: tuple[str, str],
    chosen: Mapping[str, float | str], protocol: str,
) -> FamilyResult:  # fmt: skip
    """The generator beside a baseline on the same sequences: BLEU, with ROUGE-L as guard."""
    n = len(taken)
    strong, baseline, gain = paired(bleu(made, taken), bleu(by_baseline, taken), n)
    rouge: tuple[Figure, ...] = paired(rouge_l(made, taken), rouge_l(by_baseline, taken), n)
    return FamilyResult(
        "resource_generation", "bleu", *names, n, n, strong, baseline, gain, protocol,
        {"rouge_l": rouge[0], "rouge_l of the baseline": rouge[1], "rouge_l gain": rouge[2]}, chosen,
    )  # fmt: skip


class _Spaces:
    """Tokens of a line of steps: rouge-score's own tokenizer drops what is no letter."""

    def tokenize(self, text: str) -> list[str]:
        return text.split()


def _lines(sequences: Sequence[Steps]) -> list[str]:
    """Each sequence as a line of tokens; a step with spaces in it is one token."""
    return [" ".join("_".join(step.split()) for step in steps) for steps in sequences]
