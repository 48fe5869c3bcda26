"""From scores to flags: what a team decides, the thresholds that follow, and the queue they make.

In: calibrated risk, campaigns, and which ads escalate or cannot be judged. Out: a level, reasons in
words and a place in the queue for each ad. A flag asks a person to look; it never accuses.
"""

from adrisk.policy.abstention import (
    INCOMPLETE_BECAUSE,
    Unjudged,
    languages_known,
    unjudged,
    unreadable,
    why_not,
)
from adrisk.policy.guarantee import Guarantee, Wanted, guaranteed, speakers
from adrisk.policy.policy import Policy, PolicyConfig, describe, settle
from adrisk.policy.queue import ESCALATE_AT, LEVELS, Apart, Queue, apply_policy
from adrisk.policy.reasons import LIKELY, incomplete_reasons, reasons

__all__ = [
    "ESCALATE_AT",
    "INCOMPLETE_BECAUSE",
    "LEVELS",
    "LIKELY",
    "Apart",
    "Guarantee",
    "Policy",
    "PolicyConfig",
    "Queue",
    "Unjudged",
    "Wanted",
    "apply_policy",
    "describe",
    "guaranteed",
    "incomplete_reasons",
    "languages_known",
    "reasons",
    "settle",
    "speakers",
    "unjudged",
    "unreadable",
    "why_not",
]
