"""A policy before it goes live: who would be flagged or dropped, and work against what is found.

In: a scored folder, which keeps risks, campaigns and what stands apart; no ad is read again. Out:
values for a terminal, a table, or a page. Nothing in the folder changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats import beta

from adrisk.errors import ModelError, UsageError
from adrisk.files import replacing, write_json
from adrisk.model.model import Model
from adrisk.policy.guarantee import GRID, sample_per_campaign
from adrisk.policy.policy import Policy
from adrisk.policy.queue import LEVELS, AdExceptions, Queue, apply_policy
from adrisk.scoring.facts import campaign_rows
from adrisk.scoring.flags import read_exceptions
from adrisk.scoring.outputs import FACTS_FILE, read_manifest, score_files, table_file

CHANGES = pa.schema(
    [
        pa.field("ad_id", pa.string(), nullable=False),
        pa.field("campaign_id", pa.string(), nullable=False),
        pa.field("change", pa.string(), nullable=False),
        pa.field("risk", pa.float32(), nullable=False),
        pa.field("old_level", pa.string(), nullable=False),
        pa.field("new_level", pa.string(), nullable=False),
        ("old_rank", pa.int32()),
        ("new_rank", pa.int32()),
    ]
)
"""One ad a row whose level changes: newly `flagged`, `dropped`, `raised` to or `lowered` from
urgent. Ids and numbers, no text."""

_NAMES = np.array(LEVELS, dtype=object)
_ASKED = (1, 2)  # review and urgent


@dataclass(frozen=True, slots=True)
class Scene:
    """What policies are applied to: n ads of a scored folder in m campaigns.

    `campaign_ids` are by ad, `campaigns` numbers them 0 to m - 1, and `campaign_risk` is by number.
    """

    ad_ids: pa.ChunkedArray
    risk: NDArray[np.float32]
    campaign_ids: pa.ChunkedArray
    campaigns: NDArray[np.int32]
    campaign_risk: NDArray[np.floating] | None
    apart: AdExceptions

    def queue(self, policy: Policy) -> Queue:
        """What a policy makes of it."""
        return apply_policy(policy, self.risk, self.campaigns, self.campaign_risk, self.apart)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two policies on one scored folder.

    `old` and `new` count ads by level, and queued campaigns; `changes` has the schema CHANGES, the
    highest risk first; `campaigns` counts the campaigns in which an ad changes so.
    """

    policies: tuple[Policy, Policy]
    old: Mapping[str, int]
    new: Mapping[str, int]
    changes: pa.Table
    campaigns: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Point:
    """A review threshold, the campaigns it asks people to look at, and the recall to expect.

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
    """Workload against recall; `positives` of `held` campaigns estimate the recall."""

    points: tuple[Point, ...]
    campaigns: int
    ads: int
    held: int
    positives: int
    review_at: float | None
    capacity: int | None
    model: str


def open_scene(folder: Path) -> Scene:
    """Read what a scored folder keeps.

    Raises:
        UsageError: if it is not the output of a finished run.
    """
    manifest = read_manifest(folder)
    scores = pa.concat_tables(
        [pq.read_table(p, columns=["ad_id", "risk"]) for p in score_files(folder, manifest)]
    )
    campaigns = pq.read_table(table_file(folder, "campaigns.parquet"), columns=["campaign_id"])
    facts = folder / FACTS_FILE
    ids = campaigns["campaign_id"]
    return Scene(
        ad_ids=scores["ad_id"],
        risk=scores["risk"].to_numpy(),
        campaign_ids=ids,
        campaigns=campaign_rows(ids).astype(np.int32),
        campaign_risk=pq.read_table(facts, columns=["risk"])["risk"].to_numpy()
        if facts.is_file()
        else None,
        apart=read_exceptions(folder, scores["ad_id"]).apart,
    )


def check_model(folder: Path, model: Model) -> None:
    """Refuse a model that is not the one that scored: its risks mean something else.

    Raises:
        UsageError: with both versions named.
    """
    scored = read_manifest(folder).model
    if scored.fingerprint and scored.fingerprint != model.fingerprint:
        raise UsageError(
            f"{folder} was scored by model version {scored.version}, this is {model.version}; name "
            "the model that scored it, or score again"
        )


def compare_policies(folder: Path, old: Policy, new: Policy) -> Comparison:
    """What changes for which ads if the new policy takes the place of the old one."""
    scene = open_scene(folder)
    before, after = scene.queue(old), scene.queue(new)
    was, will = np.isin(before.levels, _ASKED), np.isin(after.levels, _ASKED)
    change = np.full(len(scene.risk), "", dtype=object)
    change[will & ~was] = "flagged"
    change[was & ~will] = "dropped"
    change[was & will & (after.levels > before.levels)] = "raised"
    change[was & will & (after.levels < before.levels)] = "lowered"
    rows = np.flatnonzero(change != "")
    rows = rows[np.argsort(-scene.risk[rows], kind="stable")]
    at = pa.array(rows)
    changes = pa.table(
        {
            "ad_id": scene.ad_ids.take(at),
            "campaign_id": scene.campaign_ids.take(at),
            "change": pa.array(change[rows], pa.string()),
            "risk": scene.risk[rows],
            "old_level": pa.array(_NAMES[before.levels[rows]], pa.string()),
            "new_level": pa.array(_NAMES[after.levels[rows]], pa.string()),
            "old_rank": pa.array(before.ranks[rows], pa.int32(), mask=before.ranks[rows] == 0),
            "new_rank": pa.array(after.ranks[rows], pa.int32(), mask=after.ranks[rows] == 0),
        },
        schema=CHANGES,
    )
    touched = {
        name: len(np.unique(scene.campaigns[change == name]))
        for name in ("flagged", "dropped", "raised", "lowered")
    }
    return Comparison((old, new), _counts(before), _counts(after), changes, touched)


def write_comparison(found: Comparison, out: Path) -> None:
    """The changed ads as a table (.parquet), or everything as JSON (.json).

    Raises:
        UsageError: if the name ends otherwise.
    """
    if out.suffix == ".parquet":
        with replacing(out) as draft:
            pq.write_table(found.changes, draft, compression="zstd")
    elif out.suffix == ".json":
        write_json(out, comparison_values(found))
    else:
        raise UsageError(f"{out}: a comparison is written to a .parquet or a .json file")


def comparison_values(found: Comparison) -> dict[str, Any]:
    """The counts and every ad that changes, as plain values."""
    return {
        "old": {"policy_id": found.policies[0].policy_id, **found.old},
        "new": {"policy_id": found.policies[1].policy_id, **found.new},
        "campaigns": dict(found.campaigns),
        "ads": found.changes.to_pylist(),
    }


def comparison_in_words(found: Comparison, most: int = 15) -> str:
    """A table of the counts, and the ads of highest risk that change, for a terminal."""
    lines = [f"{'':22}{'old':>12}{'new':>12}{'difference':>12}"]
    for name in found.old:
        before, after = found.old[name], found.new[name]
        lines.append(f"{name.replace('_', ' '):22}{before:>12,}{after:>12,}{after - before:>+12,}")
    lines.append(
        f"{'review threshold':22}" + "".join(f"{p.review_at:>12.3f}" for p in found.policies)
    )
    names = found.changes["change"].to_pylist()
    for change, meaning in (
        ("flagged", "flagged by the new policy alone"),
        ("dropped", "flagged by the old policy alone"),
        ("raised", "raised to urgent"),
        ("lowered", "lowered from urgent"),
    ):
        count = names.count(change)
        lines.append(f"\n{meaning}: {count:,} ads in {found.campaigns[change]:,} campaigns")
        of_change = found.changes.filter(pa.array([name == change for name in names], pa.bool_()))
        for row in of_change.slice(0, most).to_pylist():
            ranks = " -> ".join(str(row[key] or "none") for key in ("old_rank", "new_rank"))
            lines.append(f"  {row['risk']:.2f}  {_shown(row)}  rank {ranks}")
        if count > most:
            lines.append(f"  and {count - most:,} more; -o FILE.parquet writes all")
    return "\n".join(lines)


def simulate(folder: Path, model: Model) -> Simulation:
    """Every threshold with the campaigns it flags in this folder and the recall to expect.

    Raises:
        ModelError: if the model brings no threshold set, or one without a risky campaign.
    """
    check_model(folder, model)
    if model.threshold_set is None:
        raise ModelError(
            "the model was saved without its threshold set, so recall cannot be estimated; train "
            "it again"
        )
    manifest, scene = read_manifest(folder), open_scene(folder)
    held_risk, risky = sample_per_campaign(model.threshold_set, model.manifest.seed)
    positives = np.sort(held_risk[risky])
    if not len(positives):
        raise ModelError("the model's threshold set holds no risky campaign; recall is unknown")
    risk = np.where(scene.apart.incomplete, np.float32(-1), scene.risk)
    risk = np.where(scene.apart.escalated, np.float32(2), risk)
    count = int(scene.campaigns.max(initial=-1)) + 1
    highest = np.full(count, -1.0, dtype=np.float32)
    np.maximum.at(highest, scene.campaigns, risk)
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
        points=tuple(_different(points)),
        campaigns=count,
        ads=len(risk),
        held=len(held_risk),
        positives=len(positives),
        review_at=manifest.policy.review_at,
        capacity=manifest.policy.capacity,
        model=f"{manifest.model.name} {manifest.model.version}",
    )


def write_simulation(found: Simulation, out: Path) -> None:
    """Write it as a page (.html), a drawing (.svg) or numbers (.json).

    Raises:
        UsageError: if the name ends otherwise.
    """
    from adrisk.report.workload import workload_chart, workload_page

    if out.suffix == ".json":
        write_json(out, simulation_values(found))
        return
    if out.suffix not in (".html", ".svg"):
        raise UsageError(f"{out}: a simulation is written to an .html, .svg or .json file")
    make = workload_page if out.suffix == ".html" else workload_chart
    with replacing(out) as draft:
        draft.write_text(str(make(simulation_values(found))), encoding="utf-8")


def simulation_values(found: Simulation) -> dict[str, Any]:
    """Workload against recall as plain values."""
    names = ("campaigns", "ads", "held", "positives", "review_at", "capacity", "model")
    point = Point.__slots__
    return {
        **{name: getattr(found, name) for name in names},
        "points": [{name: getattr(p, name) for name in point} for p in found.points],
    }


def _counts(queue: Queue) -> dict[str, int]:
    levels = np.bincount(queue.levels, minlength=len(LEVELS))
    return {
        **{str(level): int(levels[i]) for i, level in enumerate(LEVELS)},
        "queued_campaigns": len(np.unique(queue.ranks[queue.ranks > 0])),
        "audited": int(queue.audit.sum()),
        "over_capacity": int(queue.over_capacity.sum()),
    }


def _shown(row: Mapping[str, Any]) -> str:
    """The ids of an ad and its campaign, which came from outside, as they may be printed."""
    return f"{json.dumps(row['ad_id'][:60])[1:-1]}  campaign {row['campaign_id'][:12]}"


def _interval(found: int, of: int) -> tuple[float, float]:
    low = float(beta.ppf(0.025, found, of - found + 1)) if found else 0.0
    high = float(beta.ppf(0.975, found + 1, of - found)) if found < of else 1.0
    return low, high


def _different(points: Sequence[Point]) -> list[Point]:
    """Without those that change neither work nor recall, the highest threshold of each kept."""
    kept: dict[tuple[int, float], Point] = {}
    for point in points:
        kept[point.campaigns, point.recall] = point
    return list(kept.values())
