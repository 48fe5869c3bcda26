"""Risks and campaigns of a scored folder, to which a policy can be applied again.

In: the tables of a finished run. Out: arrays of its ads; no ad text is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk.errors import UsageError
from adrisk.layout import FACTS_FILE
from adrisk.model.model import Model
from adrisk.policy.policy import Policy
from adrisk.policy.queue import AdExceptions, Queue, apply_policy
from adrisk.scoring.facts import campaign_rows
from adrisk.scoring.flags import read_exceptions
from adrisk.scoring.manifest import read_manifest
from adrisk.scoring.outputs import score_files, table_file
from adrisk.types import ArrowColumn


@dataclass(frozen=True, slots=True)
class ScoredAds:
    """The n ads of a scored folder in m campaigns.

    `campaign_ids` and `campaigns` (numbers 0 to m - 1) are by ad, `campaign_risk` is by number;
    `exceptions` are the escalated and the incomplete ads.
    """

    ad_ids: ArrowColumn
    risk: NDArray[np.float32]
    campaign_ids: ArrowColumn
    campaigns: NDArray[np.int32]
    campaign_risk: NDArray[np.floating] | None
    exceptions: AdExceptions

    def queue(self, policy: Policy) -> Queue:
        """Levels and ranks of the ads under a policy."""
        return apply_policy(policy, self.risk, self.campaigns, self.campaign_risk, self.exceptions)


def read_scored_ads(folder: Path) -> ScoredAds:
    """Read the risks, campaigns and exceptions of a scored folder.

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
    return ScoredAds(
        ad_ids=scores["ad_id"],
        risk=scores["risk"].to_numpy(),
        campaign_ids=ids,
        campaigns=campaign_rows(ids).astype(np.int32),
        campaign_risk=pq.read_table(facts, columns=["risk"])["risk"].to_numpy()
        if facts.is_file()
        else None,
        exceptions=read_exceptions(folder, scores["ad_id"]).apart,
    )


def check_model(folder: Path, model: Model) -> None:
    """Check that this model scored the folder; risks of models are not comparable.

    Raises:
        UsageError: if another model did; names both versions.
    """
    scored = read_manifest(folder).model
    if scored.fingerprint and scored.fingerprint != model.fingerprint:
        raise UsageError(
            f"{folder} was scored by model version {scored.version}, this is {model.version}; name "
            "the model that scored it, or score again"
        )
