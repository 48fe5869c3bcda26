"""Metadata of synthetic ads: time, place, category, account and price.

In: the attributes of a campaign. Out: `Metadata` for each of its ads, metadata_filler in as people
do: a place with or without its country, sometimes a price, sometimes no category. Nothing depends
on the case, so that no column reveals it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adrisk.synthetic.phrase_bank import PhraseBank, Region

_DAY = 86_400
SPAN_DAYS = 181
TRAIN_DAYS = 127  # about 70 % of the span: later campaigns are the test split

_HOURS = (2, 1, 1, 1, 1, 2, 4, 8, 14, 18, 18, 17, 14, 13, 15, 16, 16, 16, 17, 18, 18, 14, 9, 4)
"""Relative number of ads posted in each hour of the day."""

_PRICE_SLOT = {"job": "pay", "modelling": "pay", "service": "price", "housing": "rent"}
_HAS_PRICE = {"job": 0.45, "service": 0.4, "housing": 0.8, "goods": 0.8}


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of one ad; None where a field is empty."""

    posted_second: int
    category: str | None
    location: str | None
    account_id: str | None
    price: str | None


def metadata_filler(
    campaign_id: str,
    category: str,
    like: str,
    region: Region,
    split: str,
    size: int,
    rng: random.Random,
) -> Callable[[Mapping[str, str], PhraseBank, random.Random], Metadata]:
    """A function that makes the metadata of each ad of a campaign from its slot values."""
    opens, closes = (0, TRAIN_DAYS) if split == "train" else (TRAIN_DAYS, SPAN_DAYS)
    first = rng.randrange(opens, closes)
    last = min(closes - 1, int(first + rng.expovariate(1 / 12)))
    accounts = 1 + (rng.random() < 0.35) + min(size // 5, 6) * (rng.random() < 0.6)
    named = rng.random() < 0.96
    shown = rng.random() < _HAS_PRICE.get(like, 0.3)
    filed = category if rng.random() < 0.92 else None
    place_form = rng.choices(("{place}", "{place}, {country}", "{PLACE}", ""), (60, 18, 8, 14))[0]
    slot = _PRICE_SLOT.get(like, "sum")

    def fill(values: Mapping[str, str], bank: PhraseBank, rng: random.Random) -> Metadata:
        hour = rng.choices(range(24), _HOURS)[0]
        location = place_form.format(
            place=values["place"],
            country=bank.style.countries[region.code],
            PLACE=values["place"].upper(),
        )
        return Metadata(
            posted_second=rng.randint(first, last) * _DAY + hour * 3_600 + rng.randrange(3_600),
            category=filed,
            location=location or None,
            account_id=f"{campaign_id}-{rng.randrange(accounts)}" if named else None,
            price=values[slot] if shown else None,
        )

    return fill
