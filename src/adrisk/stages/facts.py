"""The facts and the risk of every campaign of a scored folder, in one table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adrisk import schema
from adrisk.campaigns import Linked, campaign_facts, text_groups
from adrisk.pooling import Pooling, campaign_risk
from adrisk.progress import track
from adrisk.report.folder import FACTS_FILE
from adrisk.report.text import mask_field, visible
from adrisk.stages.files import replacing
from adrisk.stages.parts import facts_of, part_files

_NAME_LIMIT = 60


def write_facts(out: Path, linked: Linked, pooling: Pooling) -> pa.Table:
    """Write `campaign_facts.parquet`, one row a campaign in the order of their first ads.

    Places and sectors are named, with contacts blotted out of them; nothing else of the ads is.

    Args:
        out: with `scores/` and `.work/`.
        linked: its campaigns.
        pooling: of the model that scored.

    Returns:
        The table, `schema.CAMPAIGN_FACTS`.
    """
    with track("facts", None) as advance:
        texts = text_groups(linked)
        ids = linked.campaigns["campaign_id"]
        guarded = linked.guarded["contact"].to_pylist()
        table = campaign_facts(ids, texts, facts_of(out, guarded), name=_harmless)
        risk = np.concatenate(
            [pq.read_table(path, columns=["risk"])["risk"].to_numpy() for path in part_files(out)]
        )
        pooled = campaign_risk(risk, campaign_rows(ids), texts, pooling)
        at = schema.CAMPAIGN_FACTS.get_field_index("risk")
        table = table.set_column(
            at, schema.CAMPAIGN_FACTS.field(at), pa.array(pooled.astype(np.float32))
        )
        with replacing(out / FACTS_FILE) as draft:
            pq.write_table(table, draft, compression="zstd")
        advance(len(linked.campaigns), total=len(linked.campaigns))
    return table


def campaign_rows(ids: pa.ChunkedArray) -> np.ndarray:
    """The row of the facts table that each ad's campaign has."""
    codes = ids.combine_chunks().dictionary_encode().indices
    return np.asarray(codes.to_numpy(), dtype=np.int64)


def _harmless(name: str) -> str:
    return visible(mask_field(name[: 2 * _NAME_LIMIT])[:_NAME_LIMIT])
