"""Facts and risk of every campaign of a scored folder, in one table."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk import schema
from adrisk.files import replacing
from adrisk.linking.facts import campaign_facts
from adrisk.linking.grouped import AdFacts, Column
from adrisk.linking.links import SHORT_NAME, Linked
from adrisk.model.campaign_risk import Pooling, campaign_risk
from adrisk.progress import track
from adrisk.scoring.masking import mask_field, visible
from adrisk.scoring.sidecars import ScoredAds, read_facts
from adrisk.scoring.workdir import RunFolder
from adrisk.text.arrow import text_list
from adrisk.types import ArrowColumn, IntArray

_NAME_LIMIT = 60


def write_facts(
    folder: RunFolder,
    linked: Linked,
    scored: ScoredAds,
    pooling: Pooling,
    unjudged: NDArray[np.bool_],
) -> pa.Table:
    """Write the facts of campaigns, one row each, in the order of their first ads.

    Places and sectors are written with contacts masked; no other words of the ads are.

    Args:
        folder: of the run.
        linked: its campaigns.
        scored: its ads.
        pooling: of the model that scored.
        unjudged: shape (n,), ads that are not judged; their risk does not count.

    Returns:
        The table, `schema.CAMPAIGN_FACTS`.
    """
    with track("facts", None) as advance:
        texts, ids = linked.texts, linked.campaigns["campaign_id"]
        guarded = text_list(linked.guarded["contact"])
        facts = _ad_facts(read_facts(folder, scored), scored, guarded)
        table = campaign_facts(ids, texts, facts, name=_masked)
        risk = np.where(unjudged, np.float32(0), scored.risk)
        pooled = campaign_risk(risk, campaign_rows(ids), texts, pooling)
        at = schema.CAMPAIGN_FACTS.get_field_index("risk")
        table = table.set_column(
            at, schema.CAMPAIGN_FACTS.field(at), pa.array(pooled.astype(np.float32))
        )
        with replacing(folder.facts) as draft:
            pq.write_table(table, draft, compression="zstd")
        advance(len(linked.campaigns), total=len(linked.campaigns))
    return table


def _ad_facts(facts: pa.Table, scored: ScoredAds, guarded: Collection[str]) -> AdFacts:
    """The facts of the ads as codes.

    Args:
        facts: `FACT_COLUMNS` of every ad.
        scored: the contacts of each text.
        guarded: short pseudonyms of contacts that were held back; they are left out.
    """
    shown = scored.contacts
    short = pc.utf8_slice_codeunits(shown["name"], 0, SHORT_NAME)
    shown = shown.filter(pc.invert(pc.is_in(short, value_set=pa.array(list(guarded), pa.string()))))
    contacts = Column.of(shown["name"])
    ads, pair = _by_ad(scored.text_of, shown["row"].to_numpy(), scored.texts)
    return AdFacts(
        posted=facts["posted_at"].to_numpy().astype("datetime64[us]"),
        places=Column.of(facts["location"], fold=True),
        languages=Column.of(facts["language"]),
        accounts=Column.of(facts["account_id"]),
        categories=Column.of(facts["category"], fold=True),
        contact_rows=ads,
        contacts=Column(contacts.codes[pair], contacts.names),
    )


def _by_ad(text_of: IntArray, shows: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Pairs of an ad and a contact of its text: the row of the ad, and the index in `shows`.

    Args:
        text_of: shape (n,), the text of each ad.
        shows: the text of each contact, ascending.
        count: of texts.
    """
    each = np.bincount(shows, minlength=count)
    first = np.cumsum(each) - each
    of_ad = each[text_of]
    ads = np.repeat(np.arange(len(text_of)), of_ad)
    within = np.arange(len(ads)) - np.repeat(np.cumsum(of_ad) - of_ad, of_ad)
    return ads, first[text_of[ads]] + within


def campaign_rows(ids: ArrowColumn) -> IntArray:
    """The row of the facts table that each ad's campaign has."""
    codes = ids.combine_chunks().dictionary_encode().indices
    return np.asarray(codes.to_numpy(), dtype=np.int64)


def _masked(name: str) -> str:
    return visible(mask_field(name[: 2 * _NAME_LIMIT])[:_NAME_LIMIT])
