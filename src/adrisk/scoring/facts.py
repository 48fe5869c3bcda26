"""The facts and the risk of every campaign of a scored folder, in one table."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adrisk import schema
from adrisk.files import replacing
from adrisk.linking.facts import campaign_facts
from adrisk.linking.grouped import AdFacts, Column
from adrisk.linking.links import SHORT_NAME, Linked
from adrisk.model.campaign_risk import Pooling, campaign_risk
from adrisk.progress import track
from adrisk.scoring.masking import mask_field, visible
from adrisk.scoring.outputs import FACTS_FILE
from adrisk.scoring.workdir import FACTS, WORK, part_files, read_text_index
from adrisk.types import IntArray

_NAME_LIMIT = 60


def write_facts(
    out: Path, linked: Linked, pooling: Pooling, unjudged: np.ndarray | None = None
) -> pa.Table:
    """Write `campaign_facts.parquet`, one row a campaign in the order of their first ads.

    Places and sectors are named, with contacts blotted out of them; nothing else of the ads is.

    Args:
        out: with `scores/` and `.work/`.
        linked: its campaigns.
        pooling: of the model that scored.
        unjudged: shape (n,), ads whose risk says nothing of their campaign; none if left out.

    Returns:
        The table, `schema.CAMPAIGN_FACTS`.
    """
    with track("facts", None) as advance:
        texts, ids = linked.texts, linked.campaigns["campaign_id"]
        guarded = linked.guarded["contact"].to_pylist()
        table = campaign_facts(ids, texts, facts_of(out, guarded), name=_harmless)
        risk = np.concatenate(
            [pq.read_table(path, columns=["risk"])["risk"].to_numpy() for path in part_files(out)]
        )
        if unjudged is not None:
            risk = np.where(unjudged, np.float32(0), risk)
        pooled = campaign_risk(risk, campaign_rows(ids), texts, pooling)
        at = schema.CAMPAIGN_FACTS.get_field_index("risk")
        table = table.set_column(
            at, schema.CAMPAIGN_FACTS.field(at), pa.array(pooled.astype(np.float32))
        )
        with replacing(out / FACTS_FILE) as draft:
            pq.write_table(table, draft, compression="zstd")
        advance(len(linked.campaigns), total=len(linked.campaigns))
    return table


def facts_of(out: Path, guarded: Collection[str]) -> AdFacts:
    """What all parts know of their ads beside the text.

    Args:
        out: with `scores/` and `.work/`.
        guarded: short pseudonyms of contacts that are everybody's, which say nothing of anyone.
    """
    worded = read_text_index(out)
    tables = [
        pq.read_table(
            (out / WORK / path.stem).with_suffix(".facts"),
            columns=list(FACTS),
            read_dictionary=FACTS[1:],
        )
        for path in part_files(out)
    ]
    facts, shown = pa.concat_tables(tables), worded.contacts
    short = pc.utf8_slice_codeunits(shown["name"], 0, SHORT_NAME)
    shown = shown.filter(pc.invert(pc.is_in(short, value_set=pa.array(list(guarded), pa.string()))))
    contacts = Column.of(shown["name"])
    ads, pair = _by_ad(worded.wording, shown["row"].to_numpy(), worded.count)
    return AdFacts(
        posted=facts["posted_at"].to_numpy().astype("datetime64[us]"),
        places=Column.of(facts["location"], fold=True),
        languages=Column.of(facts["language"]),
        accounts=Column.of(facts["account_id"]),
        categories=Column.of(facts["category"], fold=True),
        contact_rows=ads,
        contacts=Column(contacts.codes[pair], contacts.names),
    )


def _by_ad(wording: IntArray, shows: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Every ad with each contact of its wording: the ad's row, and the place in `shows`.

    Args:
        wording: shape (n,), the wording of each ad.
        shows: the wordings that show a contact, in order, once for each.
        count: of wordings.
    """
    each = np.bincount(shows, minlength=count)
    first = np.cumsum(each) - each
    of_ad = each[wording]
    ads = np.repeat(np.arange(len(wording)), of_ad)
    within = np.arange(len(ads)) - np.repeat(np.cumsum(of_ad) - of_ad, of_ad)
    return ads, first[wording[ads]] + within


def campaign_rows(ids: pa.ChunkedArray) -> np.ndarray:
    """The row of the facts table that each ad's campaign has."""
    codes = ids.combine_chunks().dictionary_encode().indices
    return np.asarray(codes.to_numpy(), dtype=np.int64)


def _harmless(name: str) -> str:
    return visible(mask_field(name[: 2 * _NAME_LIMIT])[:_NAME_LIMIT])
