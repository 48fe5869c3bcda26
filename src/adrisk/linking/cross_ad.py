"""Indicators across the ads of a campaign, with their thresholds and a sentence for each.

The numbers are in `thresholds.yaml`, each with its reason. Conditions on a contact are checked for
each contact of a campaign; one is enough. Unknown facts are not counted, so an indicator that needs
them is not reported.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from adrisk.documents import read_yaml
from adrisk.linking.grouped import AdFacts, busiest, distinct, pairs
from adrisk.types import IntArray

_FILE = Path(__file__).with_name("thresholds.yaml")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Thresholds of the indicators, and the sectors of categories.

    `numbers` is by indicator and by what is counted, `reasons` by indicator; `pairs` are the
    sectors between which a shared contact counts, and `sectors` their words.
    """

    numbers: Mapping[str, Mapping[str, float]]
    reasons: Mapping[str, str]
    pairs: tuple[tuple[str, str], ...]
    sectors: Mapping[str, frozenset[str]]

    def sector(self, category: str) -> str | None:
        """The sector of a category of a platform, by its words; None if it is in none, or two."""
        folded = category.casefold()
        words = {folded, *re.findall(r"\w+", folded)}
        found = [name for name, known in self.sectors.items() if words & known]
        return found[0] if len(found) == 1 else None


@lru_cache(maxsize=1)
def load_thresholds() -> Thresholds:
    """The thresholds that adrisk ships."""
    content: dict[str, Any] = read_yaml(_FILE)
    sectors = content.pop("sectors")
    across = content["shared_contact_across_sectors"]
    return Thresholds(
        numbers={
            indicator: {name: n for name, n in entry.items() if isinstance(n, (int, float))}
            for indicator, entry in content.items()
        },
        reasons={indicator: entry["reason"].strip() for indicator, entry in content.items()},
        pairs=(tuple(across["between"]), tuple(across["or_between"])),
        sectors={name: frozenset(w.casefold() for w in words) for name, words in sectors.items()},
    )


@dataclass(frozen=True, slots=True)
class _Shared:
    """Contacts of single campaigns: `owner` is the campaign and `ads` the number of ads of each;
    `of` is the contact of each mention, and `rows` its ad."""

    owner: IntArray
    ads: IntArray
    of: IntArray
    rows: IntArray


@dataclass(frozen=True, slots=True)
class _CampaignAds:
    """Campaign, near-copy group and facts of every ad, and the contacts of campaigns."""

    of: IntArray
    texts: IntArray
    ads: AdFacts
    shared: _Shared


def cross_ad_indicators(
    of: IntArray, count: int, texts: IntArray, ads: AdFacts, thresholds: Thresholds
) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """The indicators of each campaign that has any, and a sentence for each.

    Args:
        of: shape (n,), the number of each ad's campaign.
        count: of the campaigns.
        texts: shape (n,), a number for each near-copy group.
        ads: of the same ads.
        thresholds: of the indicators.
    """
    known = _CampaignAds(of, texts, ads, _shared(of, ads))
    found: defaultdict[int, list[str]] = defaultdict(list)
    words: defaultdict[int, list[str]] = defaultdict(list)
    for indicator, find in _INDICATORS.items():
        for campaign, sentence in find(known, count, thresholds).items():
            found[campaign].append(indicator)
            words[campaign].append(sentence)
    return dict(found), dict(words)


def _near_copies(known: _CampaignAds, count: int, thresholds: Thresholds) -> dict[int, str]:
    least = thresholds.numbers["near_duplicate_campaign"]
    sizes = np.bincount(known.texts)
    accounts = distinct(known.texts, known.ads.accounts.codes, len(sizes))
    campaign_of = np.zeros(len(sizes), dtype=np.int64)
    campaign_of[known.texts] = known.of
    enough = (sizes >= least["ads"]) & ((accounts >= least["accounts"]) | (accounts == 0))
    best: dict[int, int] = {}
    for group in np.flatnonzero(enough)[np.argsort(sizes[enough], kind="stable")].tolist():
        best[int(campaign_of[group])] = group
    return {
        campaign: f"{sizes[group]:,} near-copies of one text"
        + (f" from {accounts[group]:,} accounts" if accounts[group] else ", accounts not known")
        for campaign, group in best.items()
    }


def _places(known: _CampaignAds, count: int, thresholds: Thresholds) -> dict[int, str]:
    least = thresholds.numbers["multi_location_velocity"]
    many = distinct(known.of, known.ads.places.codes, count) >= least["places"]
    rows = np.flatnonzero(
        many[known.of] & (known.ads.places.codes >= 0) & ~np.isnat(known.ads.posted)
    )
    days = least["days"]
    most = busiest(
        known.of[rows], known.ads.places.codes[rows], known.ads.posted[rows], days, count
    )
    seen = np.flatnonzero(most >= least["places"])
    accounts = distinct(known.of, known.ads.accounts.codes, count)
    return {
        campaign: f"posted in {most[campaign]:,} places within {days:g} days"
        + _from_accounts(int(accounts[campaign]))
        for campaign in seen.tolist()
    }


def _personas(known: _CampaignAds, count: int, thresholds: Thresholds) -> dict[int, str]:
    least = thresholds.numbers["shared_contact_distinct_personas"]
    shared = known.shared
    accounts = distinct(shared.of, known.ads.accounts.codes[shared.rows], len(shared.owner))
    wordings = distinct(shared.of, known.texts[shared.rows], len(shared.owner))
    seen = (accounts >= least["accounts"]) & (wordings >= least["texts"])
    return {
        int(shared.owner[at]): f"one contact in ads of {accounts[at]:,} accounts, "
        f"in {wordings[at]:,} texts that are no copies of each other"
        for at in _least_first(accounts, seen)
    }


def _sectors(known: _CampaignAds, count: int, thresholds: Thresholds) -> dict[int, str]:
    least = thresholds.numbers["shared_contact_across_sectors"]["ads"]
    names = list(thresholds.sectors)
    sector_of = [thresholds.sector(category) for category in known.ads.categories.names]
    numbers = np.array([names.index(s) if s else -1 for s in sector_of] + [-1], dtype=np.int64)
    shared = known.shared
    sector = numbers[known.ads.categories.codes[shared.rows]]
    counts = {
        name: np.bincount(shared.of[sector == number], minlength=len(shared.owner))
        for number, name in enumerate(names)
    }
    found: dict[int, str] = {}
    for one, other in thresholds.pairs:
        both = np.minimum(counts[one], counts[other])
        for at in _least_first(both, both >= least):
            found[int(shared.owner[at])] = (
                f"one contact in {counts[one][at]:,} {one} ads "
                f"and {counts[other][at]:,} {other} ads"
            )
    return found


def _burst(known: _CampaignAds, count: int, thresholds: Thresholds) -> dict[int, str]:
    least = thresholds.numbers["contact_reuse_burst"]
    shared = known.shared
    many = shared.ads >= least["ads"]
    kept = np.flatnonzero(many[shared.of] & ~np.isnat(known.ads.posted[shared.rows]))
    posted, days = known.ads.posted[shared.rows[kept]], least["days"]
    most = busiest(shared.of[kept], None, posted, days, len(shared.owner))
    return {
        int(shared.owner[at]): f"one contact in {most[at]:,} ads within {days:g} days"
        for at in _least_first(most, most >= least["ads"])
    }


def _shared(of: IntArray, ads: AdFacts) -> _Shared:
    keys, width = pairs(of[ads.contact_rows], ads.contacts.codes)
    unique, contact, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    return _Shared(unique // width, sizes, contact, ads.contact_rows[ads.contacts.codes >= 0])


def _least_first(values: IntArray, seen: np.ndarray) -> list[int]:
    """Indices in the mask, the largest value last: of several, a campaign keeps its sentence."""
    at = np.flatnonzero(seen)
    return [int(i) for i in at[np.argsort(values[at], kind="stable")]]


def _from_accounts(accounts: int) -> str:
    if accounts == 0:
        return ", accounts not known"
    return f" from {accounts:,} account" + ("s" if accounts > 1 else "")


_INDICATORS: Mapping[str, Callable[[_CampaignAds, int, Thresholds], dict[int, str]]] = {
    "near_duplicate_campaign": _near_copies,
    "multi_location_velocity": _places,
    "shared_contact_distinct_personas": _personas,
    "shared_contact_across_sectors": _sectors,
    "contact_reuse_burst": _burst,
}
