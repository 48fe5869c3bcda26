"""Facade of the library: the stages that commands and flows call.

Each stage takes a checked configuration or plain arguments, reads and writes files, and is
independent of Prefect and the command line.
"""

from __future__ import annotations

from adrisk.evaluation.behaviour.run import Behaved, behave
from adrisk.evaluation.compare import Compared, compare_models
from adrisk.evaluation.drift.run import Drifted, drift
from adrisk.evaluation.evaluate import Evaluated, evaluate, evaluate_recipe
from adrisk.evaluation.promotion import Promotion, promote_model
from adrisk.evaluation.release import Released, release
from adrisk.evaluation.results import write_results
from adrisk.ingest.run import Ingested, ingest
from adrisk.report.run import report
from adrisk.scoring.risk_model import Explained, explain_text
from adrisk.scoring.run import Scored, score
from adrisk.tracking.models import find_model, models
from adrisk.training.corpus import Corpus, load_corpus
from adrisk.training.train import Trained, fit_model, train

__all__ = [
    "Behaved",
    "Compared",
    "Corpus",
    "Drifted",
    "Evaluated",
    "Explained",
    "Ingested",
    "Promotion",
    "Released",
    "Scored",
    "Trained",
    "behave",
    "compare_models",
    "drift",
    "evaluate",
    "evaluate_recipe",
    "explain_text",
    "find_model",
    "fit_model",
    "ingest",
    "load_corpus",
    "models",
    "promote_model",
    "release",
    "report",
    "score",
    "train",
    "write_results",
]
