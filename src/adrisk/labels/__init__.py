"""What is known of ads: label columns as arrays (`targets`), votes joined into labels (`join`)."""

from adrisk.labels.join import ItemModel, Joined, Voter, join_votes, majority_votes
from adrisk.labels.targets import (
    UNKNOWN_RISK,
    Targets,
    check_risk,
    learnable,
    targets_of,
)
from adrisk.labels.votes import RISK, RULE, Ballots, read_votes, rule_votes, together

__all__ = [
    "RISK",
    "RULE",
    "UNKNOWN_RISK",
    "Ballots",
    "ItemModel",
    "Joined",
    "Targets",
    "Voter",
    "check_risk",
    "join_votes",
    "learnable",
    "majority_votes",
    "read_votes",
    "rule_votes",
    "targets_of",
    "together",
]
