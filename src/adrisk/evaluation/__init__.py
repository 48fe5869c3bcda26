"""The evaluation protocol: what scores are worth on ads that nothing was fitted on.

`judging` gives the figures of one set of scores, `comparison` the difference of two on the same
ads, `baselines` what needs no model, `slices` what the figures are split by.
`evaluation/protocol.md` says why each figure is there.
"""

from __future__ import annotations

from adrisk.evaluation.baselines import plain_baselines, tfidf_baseline
from adrisk.metrics.comparison import Pair, compare, in_words
from adrisk.metrics.protocol import (
    CAMPAIGNS,
    EXACT_COPIES,
    HIGHEST_AD,
    LEAST_IN_SLICE,
    PROTOCOL,
    SEEN_SHARE,
    Items,
    Judged,
    Ruler,
    judge,
    judge_ranking,
    slices_of,
)

__all__ = [
    "CAMPAIGNS",
    "EXACT_COPIES",
    "HIGHEST_AD",
    "LEAST_IN_SLICE",
    "PROTOCOL",
    "SEEN_SHARE",
    "Items",
    "Judged",
    "Pair",
    "Ruler",
    "compare",
    "in_words",
    "judge",
    "judge_ranking",
    "plain_baselines",
    "slices_of",
    "tfidf_baseline",
]
