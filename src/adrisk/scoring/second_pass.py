"""Second pass of a cascade: how many ads it reread, and whether those are near the threshold.

In: a model, and a policy or counts. Out: counts for the manifest and notes to tell; nothing for a
model that reads every ad once.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logit

from adrisk.classifiers.base import RISKY_COLUMN, THRESHOLDS, Margins
from adrisk.model.model import Model
from adrisk.policy.policy import Policy
from adrisk.progress import say
from adrisk.scoring.manifest import Reread


def second_pass_counts(model: Model, reread: int, scored: int) -> Reread:
    """How many of the ads scored were read twice, and why those; says it, too."""
    because = model.manifest.facts.get("reread_because")
    if because is None:
        return Reread()
    say(f"read a second time: {reread:,} of {scored:,} ads; {because}")
    return Reread(reread=reread, reread_share=reread / scored, reread_because=because)


def second_pass_warnings(model: Model, policy: Policy) -> tuple[str, ...]:
    """Where no ad near the policy's threshold is read twice, that it is so.

    The band is of margins; each language may calibrate them by a curve of its own.
    """
    facts, calibration = model.manifest.facts, model.calibration
    if "reread_from" not in facts:
        return ()
    edges = logit([facts["reread_from"], facts["reread_to"]])
    margins = Margins(np.zeros((2, len(model.labels))), np.tile(edges[:, None], len(THRESHOLDS)))
    reached = [
        calibration.risk(margins, [language] * 2)[:, RISKY_COLUMN]
        for language in (None, *filter(None, calibration.risk_curves))
    ]
    if any(low <= policy.review_at <= high for low, high in reached):
        return ()
    low, high = reached[0]
    return (
        f"review threshold {policy.review_at:.3f} lies outside what this cascade reads a second "
        f"time (risk {low:.3f} to {high:.3f}): no ad near the threshold is reread, and rereading "
        "hardly changes which are flagged",
    )
