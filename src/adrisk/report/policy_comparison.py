"""Comparison of two policies on a scored folder: ads newly flagged, dropped, raised or lowered.

In: a scored folder and two policies. Out: counts and a table of the ads whose level changes, for a
terminal or a file. No ad is read and nothing in the folder changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adrisk.errors import UsageError
from adrisk.files import replacing, write_json
from adrisk.policy.policy import Policy
from adrisk.policy.queue import LEVELS, Queue
from adrisk.report.scored_ads import read_scored_ads
from adrisk.schema import optional, required

CHANGES = pa.schema(
    [
        required("ad_id", pa.string()),
        required("campaign_id", pa.string()),
        required("change", pa.string()),
        required("risk", pa.float32()),
        required("old_level", pa.string()),
        required("new_level", pa.string()),
        optional("old_rank", pa.int32()),
        optional("new_rank", pa.int32()),
    ]
)
"""One row per ad whose level changes: newly `flagged`, `dropped`, `raised` to or `lowered` from
urgent. Ids and numbers, no text."""

_NAMES = np.array(LEVELS, dtype=object)
_FLAGGED = (1, 2)  # review and urgent


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two policies on one scored folder.

    `old` and `new` count ads by level and queued campaigns; `changes` has the schema CHANGES,
    highest risk first; `campaigns` counts the campaigns with an ad of each change.
    """

    policies: tuple[Policy, Policy]
    old: Mapping[str, int]
    new: Mapping[str, int]
    changes: pa.Table
    campaigns: Mapping[str, int]


def compare_policies(folder: Path, old: Policy, new: Policy) -> Comparison:
    """The ads whose level changes when the new policy replaces the old one."""
    ads = read_scored_ads(folder)
    before, after = ads.queue(old), ads.queue(new)
    was_flagged, is_flagged = np.isin(before.levels, _FLAGGED), np.isin(after.levels, _FLAGGED)
    change = np.full(len(ads.risk), "", dtype=object)
    change[is_flagged & ~was_flagged] = "flagged"
    change[was_flagged & ~is_flagged] = "dropped"
    change[was_flagged & is_flagged & (after.levels > before.levels)] = "raised"
    change[was_flagged & is_flagged & (after.levels < before.levels)] = "lowered"
    rows = np.flatnonzero(change != "")
    rows = rows[np.argsort(-ads.risk[rows], kind="stable")]
    at = pa.array(rows)
    changes = pa.table(
        {
            "ad_id": ads.ad_ids.take(at),
            "campaign_id": ads.campaign_ids.take(at),
            "change": pa.array(change[rows], pa.string()),
            "risk": ads.risk[rows],
            "old_level": pa.array(_NAMES[before.levels[rows]], pa.string()),
            "new_level": pa.array(_NAMES[after.levels[rows]], pa.string()),
            "old_rank": pa.array(before.ranks[rows], pa.int32(), mask=before.ranks[rows] == 0),
            "new_rank": pa.array(after.ranks[rows], pa.int32(), mask=after.ranks[rows] == 0),
        },
        schema=CHANGES,
    )
    campaigns = {
        name: len(np.unique(ads.campaigns[change == name]))
        for name in ("flagged", "dropped", "raised", "lowered")
    }
    return Comparison((old, new), _counts(before), _counts(after), changes, campaigns)


def write_comparison(comparison: Comparison, out: Path) -> None:
    """Write the changed ads as a table (.parquet), or counts and ads as JSON (.json).

    Raises:
        UsageError: for any other ending.
    """
    if out.suffix == ".parquet":
        with replacing(out) as draft:
            pq.write_table(comparison.changes, draft, compression="zstd")
    elif out.suffix == ".json":
        write_json(out, comparison_values(comparison))
    else:
        raise UsageError(f"{out}: name a .parquet or .json file for the comparison")


def comparison_values(comparison: Comparison) -> dict[str, object]:
    """The counts and the changed ads as JSON values."""
    return {
        "old": {"policy_id": comparison.policies[0].policy_id, **comparison.old},
        "new": {"policy_id": comparison.policies[1].policy_id, **comparison.new},
        "campaigns": dict(comparison.campaigns),
        "ads": comparison.changes.to_pylist(),
    }


def comparison_in_words(comparison: Comparison, most: int = 15) -> str:
    """The counts and the changed ads of highest risk, as text for a terminal."""
    lines = [f"{'':22}{'old':>12}{'new':>12}{'difference':>12}"]
    for name in comparison.old:
        before, after = comparison.old[name], comparison.new[name]
        lines.append(f"{name.replace('_', ' '):22}{before:>12,}{after:>12,}{after - before:>+12,}")
    lines.append(
        f"{'review threshold':22}" + "".join(f"{p.review_at:>12.3f}" for p in comparison.policies)
    )
    names = comparison.changes["change"].to_pylist()
    for change, meaning in (
        ("flagged", "flagged by the new policy only"),
        ("dropped", "flagged by the old policy only"),
        ("raised", "raised to urgent"),
        ("lowered", "lowered from urgent"),
    ):
        count = names.count(change)
        lines.append(f"\n{meaning}: {count:,} ads in {comparison.campaigns[change]:,} campaigns")
        of_change = comparison.changes.filter(
            pa.array([name == change for name in names], pa.bool_())
        )
        for row in of_change.slice(0, most).to_pylist():
            ranks = " -> ".join(str(row[key] or "none") for key in ("old_rank", "new_rank"))
            lines.append(
                f"  {row['risk']:.2f}  {_shown(row['ad_id'], row['campaign_id'])}  rank {ranks}"
            )
        if count > most:
            lines.append(f"  and {count - most:,} more; -o FILE.parquet writes all")
    return "\n".join(lines)


def _counts(queue: Queue) -> dict[str, int]:
    levels = np.bincount(queue.levels, minlength=len(LEVELS))
    return {
        **{str(level): int(levels[i]) for i, level in enumerate(LEVELS)},
        "queued_campaigns": len(np.unique(queue.ranks[queue.ranks > 0])),
        "audited": int(queue.audit.sum()),
        "over_capacity": int(queue.over_capacity.sum()),
    }


def _shown(ad_id: str, campaign_id: str) -> str:
    """The ids of an ad and its campaign, escaped for a terminal."""
    return f"{json.dumps(ad_id[:60])[1:-1]}  campaign {campaign_id[:12]}"
