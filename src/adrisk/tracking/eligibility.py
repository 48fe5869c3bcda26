"""Eligibility of a model to replace another, by training target, heads and evaluation size.

In: the manifests of both. Out: a reason against it, or an empty text. Figures are compared in
`adrisk.evaluation.promotion`.
"""

from __future__ import annotations

from adrisk.model.manifest import Manifest

ENOUGH_ADS, ENOUGH_RISKY = 200, 20
"""Least numbers of ads and risky ads for a comparison of two models."""

_SHOWN = 3


def differs(candidate: Manifest, champion: Manifest) -> str:
    """Reason why two models are not comparable: another target, or missing heads."""
    then, now = champion.trained_on.target, candidate.trained_on.target
    if now != then:
        return f"it was trained for another target ({now}) than the champion ({then})"
    missing = [label for label in champion.labels if label not in candidate.labels]
    if missing:
        more = ", ..." if len(missing) > _SHOWN else ""
        return (
            f"it has {len(candidate.labels)} heads and lacks {len(missing)} of the champion's "
            f"{len(champion.labels)} ({', '.join(missing[:_SHOWN])}{more})"
        )
    return ""


def too_few(ads: int, risky: int) -> str:
    """Reason why this number of ads, or of risky ads, is too small for a comparison."""
    if ads >= ENOUGH_ADS and risky >= ENOUGH_RISKY:
        return ""
    return (
        f"{ads:,} ads, {risky:,} of them risky, are too few to judge it on; it takes "
        f"{ENOUGH_ADS}, {ENOUGH_RISKY} of them risky"
    )


def no_challenger(candidate: Manifest, champion: Manifest) -> str:
    """Reason why a trained model does not become the challenger."""
    judged = candidate.metrics.get("average_precision", {})
    return differs(candidate, champion) or too_few(
        int(judged.get("n", 0)), int(judged.get("positives", 0))
    )
