"""Campaign facts: number of ads, time span, places, accounts and contacts of each campaign.

In: the campaign and near-duplicate group of every ad, and its facts as codes. Out: one row a
campaign (`schema.CAMPAIGN_FACTS`), with the indicators across ads. Whole columns are sorted and
counted: a million ads take seconds and a few hundred bytes each. Unknown values are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from adrisk import schema
from adrisk.linking.cross_ad import Thresholds, cross_ad_indicators, load_thresholds
from adrisk.linking.grouped import AdFacts, Column, Moments, distinct, packed, pairs, span
from adrisk.linking.links import SHORT_NAME
from adrisk.types import ArrowArray, ArrowValues, IntArray

TIMELINE = 24
"""Equal parts of a campaign's span whose ads are counted."""

MAX_NAMED = 12
"""Places, languages, sectors, contacts, accounts and texts named of a campaign, the most frequent
first; all are counted."""


def campaign_facts(
    campaign_ids: ArrowValues,
    texts: IntArray,
    ads: AdFacts,
    *,
    thresholds: Thresholds | None = None,
    name: Callable[[str], str] = str,
) -> pa.Table:
    """The facts of every campaign.

    Args:
        campaign_ids: of n ads.
        texts: shape (n,), a number for each near-copy group.
        ads: of the same ads.
        thresholds: of the indicators across ads; adrisk's own when None.
        name: makes the written name of a place or sector, for instance with contacts masked.

    Returns:
        `schema.CAMPAIGN_FACTS`, in the order of the campaigns' first ads; `risk` is null.
    """
    thresholds = thresholds or load_thresholds()
    campaigns = Column.of(campaign_ids)
    of, count = campaigns.codes, len(campaigns.names)
    if count == 0:
        return schema.CAMPAIGN_FACTS.empty_table()
    dated = np.flatnonzero(~np.isnat(ads.posted))
    first, last = span(of[dated], ads.posted[dated], count)
    contact_of = of[ads.contact_rows]
    found, words = cross_ad_indicators(of, count, texts, ads, thresholds)
    return pa.table(
        {
            "campaign_id": pa.array(campaigns.names, pa.string()),
            "risk": pa.nulls(count, pa.float32()),
            "ads": _int32(np.bincount(of, minlength=count)),
            "texts": _int32(distinct(of, texts, count)),
            "dated": _int32(np.bincount(of[dated], minlength=count)),
            "first_posted": _moments(first),
            "last_posted": _moments(last),
            "timeline": _timeline(of[dated], ads.posted[dated], first, last),
            "places": _int32(distinct(of, ads.places.codes, count)),
            "place_names": _named(of, ads.places, count, name),
            "languages": _named(of, ads.languages, count, str),
            "accounts": _int32(distinct(of, ads.accounts.codes, count)),
            "sectors": _named(of, ads.categories, count, name),
            "contacts": _int32(distinct(contact_of, ads.contacts.codes, count)),
            "contact_names": _named(contact_of, ads.contacts, count, _short),
            "contact_changes": _int32(_changes(contact_of, ads, count)),
            "indicators": _lists(found, count),
            "words": _lists(words, count),
            "ties": _ties(of, count, texts, ads),
        },
        schema=schema.CAMPAIGN_FACTS,
    )


def _timeline(of: IntArray, posted: Moments, first: Moments, last: Moments) -> ArrowArray:
    """Ads in each of `TIMELINE` equal parts of the span; null where there is no span."""
    span = (last - first).astype(np.int64)
    span[np.isnat(first)] = 0
    long = span > 0
    number = np.cumsum(long) - 1
    rows = np.flatnonzero(long[of])
    owner = of[rows]
    passed = (posted[rows] - first[owner]).astype(np.int64)
    part = np.minimum(passed * TIMELINE // span[owner], TIMELINE - 1)
    counts = np.bincount(number[owner] * TIMELINE + part, minlength=int(long.sum()) * TIMELINE)
    offsets = np.concatenate(([0], np.cumsum(np.where(long, TIMELINE, 0))))
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), _int32(counts), mask=pa.array(~long)
    )


def _named(of: IntArray, column: Column, count: int, name: Callable[[str], str]) -> ArrowArray:
    """The values of each group by name, the most frequent first, at most `MAX_NAMED`."""
    keys, width = pairs(of, column.codes)
    keys, times = np.unique(keys, return_counts=True)
    group, code = keys // width, keys % width
    order = np.argsort(packed(group, -times, np.arange(len(keys))))
    group, code = group[order], code[order]
    first = np.searchsorted(group, group)
    kept = np.arange(len(group)) - first < MAX_NAMED
    offsets = np.concatenate(([0], np.cumsum(np.bincount(group[kept], minlength=count))))
    names = pa.array([name(value) for value in column.names], pa.string())
    values = names.take(code[kept]) if len(column.names) else pa.array([], pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def _changes(contact_of: IntArray, ads: AdFacts, count: int) -> IntArray:
    """Number of times each campaign began to use a new contact, after its first.

    Contacts that appear at one moment are one change: an ad may have a phone and a mail address.
    """
    posted = ads.posted[ads.contact_rows]
    dated = np.flatnonzero(~np.isnat(posted))
    keys, width = pairs(contact_of[dated], ads.contacts.codes[dated])
    unique, contact = np.unique(keys, return_inverse=True)
    dated = dated[ads.contacts.codes[dated] >= 0]
    taken_up = span(contact, posted[dated], len(unique))[0].astype(np.int64)
    owner = unique // width
    _, one = np.unique(packed(owner, taken_up), return_index=True)
    times = np.bincount(owner[one], minlength=count)
    return np.maximum(times - 1, 0)


def _ties(of: IntArray, count: int, texts: IntArray, ads: AdFacts) -> ArrowArray:
    """Edges of the network of a campaign: ads of each text by contact and by account.

    The busiest `MAX_NAMED` texts, contacts and accounts; none for a single ad.
    """
    several = np.bincount(of, minlength=count) > 1
    text = _rank(of, texts, count)
    rows = ads.contact_rows
    contact, account = ads.contacts.codes, ads.accounts.codes
    sides = (
        (rows, contact, _rank(of[rows], contact, count)),
        (np.arange(len(of)), account, _rank(of, account, count)),
    )
    found = []
    for side, (at, code, rank) in enumerate(sides):
        kept = np.flatnonzero(
            several[of[at]] & (code >= 0) & (rank < MAX_NAMED) & (text[at] < MAX_NAMED)
        )
        keys = (of[at[kept]] * MAX_NAMED + text[at[kept]]) * MAX_NAMED + rank[kept]
        order = np.argsort(keys)
        starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
        times = np.diff(starts, append=len(keys))
        one = kept[order[starts]]  # of those that are the same tie
        ad = at[one]
        found.append(
            np.stack((of[ad], np.full(len(ad), side), text[ad], rank[one], code[one], times))
        )
    table = np.concatenate(found, axis=1)
    table = table[:, np.argsort(packed(*table[:4]))]
    owner, side_of, text_of, rank_of, code_of, times = table
    names = pa.array([_short(name) for name in ads.contacts.names], pa.string())
    shown = pa.array(np.where(side_of == 0, code_of, 0), mask=side_of != 0)
    form = schema.CAMPAIGN_FACTS.field("ties").type
    values = pa.StructArray.from_arrays(
        [
            _int32(text_of + 1),
            names.take(shown) if len(names) else pa.nulls(len(owner), pa.string()),
            pa.array((rank_of + 1).astype(np.int32), mask=side_of == 0),
            _int32(times),
        ],
        fields=list(form.value_type),
    )
    offsets = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=count))))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def _rank(of: IntArray, codes: IntArray, count: int) -> IntArray:
    """The rank of each row's value in its group by frequency, 0 the most frequent."""
    known = codes >= 0
    keys, width = pairs(of, codes)
    unique, member, times = np.unique(keys, return_inverse=True, return_counts=True)
    group = unique // width
    order = np.argsort(packed(group, -times, np.arange(len(unique))))
    place = np.empty(len(unique), dtype=np.int64)
    place[order] = np.arange(len(unique)) - np.searchsorted(group, group)
    ranks = np.full(len(of), -1, dtype=np.int64)
    ranks[known] = place[member]
    return ranks


def _short(name: str) -> str:
    return name[:SHORT_NAME]


def _lists(of_some: Mapping[int, list[str]], count: int) -> ArrowArray:
    """A list for each of `count` campaigns, most of them empty."""
    lengths = np.zeros(count, dtype=np.int64)
    for campaign, values in of_some.items():
        lengths[campaign] = len(values)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    in_order = [value for campaign in sorted(of_some) for value in of_some[campaign]]
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(in_order, pa.string()))


def _int32(values: IntArray) -> ArrowArray:
    return pa.array(values.astype(np.int32))


def _moments(values: Moments) -> ArrowArray:
    return pa.array(values.astype("datetime64[us]"), pa.timestamp("us", tz="UTC"))
