"""Behaviour suites: what a model must do with ads that differ by one fact, and whether it does.

In the manner of CheckList (Ribeiro et al. 2020) and HateCheck (Röttger et al. 2021): who holds the
passport, who pays, a warning that quotes, a letter out of place, another name. The suites are
data, one file a language; they are for judging, and nothing in them is ever trained on.

load_suites(folder)       the cases, or the place of the first mistake
judge(model, cases)       what the model made of each
results(model, outcomes)  rates, intervals and every case as plain values
"""

from adrisk.evaluation.behaviour.judging import (
    MARGIN,
    REVIEW_SHARE,
    TOLERANCE,
    Outcome,
    Rate,
    judge,
    moves,
    rate,
    rates,
    results,
    settle,
)
from adrisk.evaluation.behaviour.suites import (
    EXPECTATIONS,
    FUNCTIONS,
    RISK,
    Case,
    fingerprint,
    load_suite,
    load_suites,
)

__all__ = [
    "EXPECTATIONS",
    "FUNCTIONS",
    "MARGIN",
    "REVIEW_SHARE",
    "RISK",
    "TOLERANCE",
    "Case",
    "Outcome",
    "Rate",
    "fingerprint",
    "judge",
    "load_suite",
    "load_suites",
    "moves",
    "rate",
    "rates",
    "results",
    "settle",
]
