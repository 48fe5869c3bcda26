"""Whether one model may take the place of another, by what it was trained for and judged on.

In: the manifests of both. Out: the reason against it in words, or nothing. Figures are not compared
here; see `adrisk.evaluation.promotion`.
"""

from __future__ import annotations

from adrisk.model.manifest import Manifest

ENOUGH_ADS, ENOUGH_RISKY = 200, 20
"""On fewer ads, or risky ads, a difference between two models is chance."""

_SHOWN = 3


def differs(candidate: Manifest, champion: Manifest) -> str:
    """Why two models do not do the same work: another target, or heads that are missing."""
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
    """Why a comparison on so many ads, so many of them risky, says nothing."""
    if ads >= ENOUGH_ADS and risky >= ENOUGH_RISKY:
        return ""
    return (
        f"{ads:,} ads, {risky:,} of them risky, are too few to judge it on; it takes "
        f"{ENOUGH_ADS}, {ENOUGH_RISKY} of them risky"
    )


def no_challenger(candidate: Manifest, champion: Manifest) -> str:
    """Why a trained model does not become the challenger."""
    judged = candidate.metrics.get("average_precision", {})
    return differs(candidate, champion) or too_few(
        int(judged.get("n", 0)), int(judged.get("positives", 0))
    )
