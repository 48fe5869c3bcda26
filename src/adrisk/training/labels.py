"""Training targets: label columns as given, or votes joined by a label model or by majority.

Only ads with votes are changed. The label model is fitted on the training ads only, so nothing of
the report set enters.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from adrisk.config import LabelsConfig
from adrisk.labels.join import join_votes, majority_votes
from adrisk.labels.targets import Targets
from adrisk.labels.votes import RISK, RULE, Ballots, merge_ballots, read_votes, rule_votes
from adrisk.progress import track
from adrisk.rules.ruleset import Ruleset
from adrisk.text.arrow import text_list
from adrisk.training.corpus import Corpus
from adrisk.types import IntArray

AS_GIVEN = "as the corpus has them"


@dataclass(frozen=True, slots=True)
class TrainingLabels:
    """Targets of the training ads, and a text on how they were made."""

    targets: Targets
    made: str


def training_labels(corpus: Corpus, rows: IntArray, config: LabelsConfig) -> TrainingLabels:
    """The targets of some rows of a corpus, in that order.

    Raises:
        CorpusError: if a vote is malformed.
    """
    given = corpus.targets.take(rows)
    if config.join == "none" or "votes" not in corpus.ads.column_names:
        return TrainingLabels(given, AS_GIVEN)
    ads = corpus.ads.take(rows)
    ballots = read_votes(ads, given.labels)
    if not ballots:
        return TrainingLabels(given, AS_GIVEN)
    if config.rules:
        ballots = _with_rules(ballots, ads, corpus.rules)
    with track("join votes", len(rows)) as advance:
        if config.join == "model":
            targets = join_votes(ballots, given.labels, len(rows)).targets
        else:
            targets = majority_votes(ballots, given.labels, len(rows))
        advance(len(rows))
    voted = pc.greater(pc.fill_null(pc.list_value_length(ads["votes"]), 0), 0)
    return TrainingLabels(given.where(voted.to_numpy(), targets), _description(ballots, config))


def _with_rules(ballots: dict[str, Ballots], ads: pa.Table, rules: Ruleset) -> dict[str, Ballots]:
    """Votes with those of the rules added, for items that have other votes."""
    texts, languages = text_list(ads["text"]), ads["language"].to_pylist()
    with track("match rules", len(ads)) as advance:
        rule_ballots = rule_votes(
            texts, languages, [item for item in ballots if item != RISK], rules
        )
        advance(len(ads))
    return merge_ballots(
        ballots, {item: votes for item, votes in rule_ballots.items() if item in ballots}
    )


def _description(ballots: dict[str, Ballots], config: LabelsConfig) -> str:
    names = {voter for item in ballots.values() for voter in item.voters}
    rules = sum(name.startswith(RULE) for name in names)
    how = {
        "model": "joined by a label model (Dawid and Skene 1979)",
        "majority": "joined by majority",
    }[config.join]
    rules_text = f" and {rules} rules" if rules else ""
    return f"votes of {len(names) - rules} voters{rules_text}, {how}"
