"""What a cascade reads a second time: how much of a run, and whether that is near the threshold.

In: a model, and a policy or a scored run. Out: counts for its manifest, and words to tell; nothing
of a model that reads every ad once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logit

from adrisk.classifiers.base import RISKY_COLUMN, THRESHOLDS, Margins
from adrisk.model.model import Model
from adrisk.policy.policy import Policy
from adrisk.progress import say
from adrisk.stages.kept import reread_ads


def reread(out: Path, model: Model, scored: int) -> dict[str, Any]:
    """How many of the ads scored were read twice, and why those; says it, too."""
    because = model.manifest.facts.get("reread_because")
    if because is None:
        return {}
    ads = reread_ads(out)
    say(f"read a second time: {ads:,} of {scored:,} ads; {because}")
    return {"reread": ads, "reread_share": ads / scored, "reread_because": because}


def outside_the_band(model: Model, policy: Policy) -> tuple[str, ...]:
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
