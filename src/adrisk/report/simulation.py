"""Expected recall by number of campaigns to review, for every review threshold.

In: a scored folder, and the threshold set of the model that scored it. Out: one point per
threshold, as numbers, chart or page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import beta

from adrisk.errors import ModelError, UsageError
from adrisk.files import replacing, write_json
from adrisk.model.model import Model
from adrisk.policy.guarantee import GRID, sample_per_campaign
from adrisk.report.scored_ads import check_model, read_scored_ads
from adrisk.scoring.manifest import read_manifest


@dataclass(frozen=True, slots=True)
class Point:
    """A review threshold with its workload in campaigns and ads, and the expected recall.

    `low` and `high` are a 95 % interval of the recall (Clopper and Pearson).
    """

    threshold: float
    campaigns: int
    ads: int
    recall: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Simulation:
    """Expected recall by workload; `positives` of `held` campaigns are risky and estimate it."""

    points: tuple[Point, ...]
    campaigns: int
    ads: int
    held: int
    positives: int
    review_at: float | None
    capacity: int | None
    model: str


def simulate(folder: Path, model: Model) -> Simulation:
    """The workload in this folder and the expected recall of every review threshold.

    Raises:
        ModelError: if the model has no threshold set, or one without a risky campaign.
    """
    check_model(folder, model)
    if model.threshold_set is None:
        raise ModelError(
            "the model has no threshold set, so recall cannot be estimated; train it again"
        )
    manifest, ads = read_manifest(folder), read_scored_ads(folder)
    held_risk, risky = sample_per_campaign(model.threshold_set, model.manifest.seed)
    positives = np.sort(held_risk[risky])
    if not len(positives):
        raise ModelError(
            "the threshold set of the model has no risky campaign, so recall cannot be estimated; "
            "train it on more labelled ads"
        )
    risk = np.where(ads.exceptions.incomplete, np.float32(-1), ads.risk)
    risk = np.where(ads.exceptions.escalated, np.float32(2), risk)
    count = int(ads.campaigns.max(initial=-1)) + 1
    highest = np.full(count, -1.0, dtype=np.float32)
    np.maximum.at(highest, ads.campaigns, risk)
    by_campaign, by_ad = np.sort(highest), np.sort(risk)
    points = []
    for threshold in GRID:
        found = len(positives) - int(np.searchsorted(positives, threshold))
        low, high = _interval(found, len(positives))
        points.append(
            Point(
                threshold=float(threshold),
                campaigns=count - int(np.searchsorted(by_campaign, np.float32(threshold))),
                ads=len(risk) - int(np.searchsorted(by_ad, np.float32(threshold))),
                recall=found / len(positives),
                low=low,
                high=high,
            )
        )
    return Simulation(
        points=tuple(_distinct(points)),
        campaigns=count,
        ads=len(risk),
        held=len(held_risk),
        positives=len(positives),
        review_at=manifest.policy.review_at,
        capacity=manifest.policy.capacity,
        model=f"{manifest.model.name} {manifest.model.version}",
    )


def write_simulation(simulation: Simulation, out: Path) -> None:
    """Write a simulation as a page (.html), a chart (.svg) or numbers (.json).

    Raises:
        UsageError: for any other ending.
    """
    from adrisk.report.workload import workload_chart, workload_page

    if out.suffix == ".json":
        write_json(out, simulation_values(simulation))
        return
    if out.suffix not in (".html", ".svg"):
        raise UsageError(f"{out}: name an .html, .svg or .json file for the simulation")
    make = workload_page if out.suffix == ".html" else workload_chart
    with replacing(out) as draft:
        draft.write_text(str(make(simulation)), encoding="utf-8")


def simulation_values(simulation: Simulation) -> dict[str, object]:
    """A simulation as JSON values."""
    names = ("campaigns", "ads", "held", "positives", "review_at", "capacity", "model")
    point = Point.__slots__
    return {
        **{name: getattr(simulation, name) for name in names},
        "points": [{name: getattr(p, name) for name in point} for p in simulation.points],
    }


def _interval(found: int, of: int) -> tuple[float, float]:
    low = float(beta.ppf(0.025, found, of - found + 1)) if found else 0.0
    high = float(beta.ppf(0.975, found + 1, of - found)) if found < of else 1.0
    return low, high


def _distinct(points: Sequence[Point]) -> list[Point]:
    """The points that differ in campaigns or recall, each with its highest threshold."""
    return list({(point.campaigns, point.recall): point for point in points}.values())
