"""Make a corpus of synthetic ads whose truth is known.

In: a count and a seed. Out: Arrow tables of ads with labels. Campaigns are drawn one after the
other; a ledger for each split keeps the share of risky ads near the prevalence asked for. Ads are
shuffled in blocks, so memory is flat. No score on these ads says anything of real ones.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import accumulate

import pyarrow as pa

from adrisk.errors import UsageError
from adrisk.schema import ADS, LABELS
from adrisk.synthetic.bank import SPLITS
from adrisk.synthetic.campaign import Post, posts
from adrisk.synthetic.cases import Case, load_cases
from adrisk.types import RISKY

SCHEMA = pa.schema([*ADS, *LABELS, ("kind", pa.string()), ("template_family", pa.string())])
"""Ads, their labels, and two columns more: what is advertised, and case/sector/register."""

_EPOCH_MICROSECONDS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_BLOCK = 4_096
_TEST_SHARE = 0.3
_TAIL = 1.3  # exponent of the campaign sizes: heavy, as in the field
_LARGEST = 200


def generate(
    count: int,
    *,
    seed: int = 0,
    prevalence: float = 0.03,
    batch_rows: int = 4096,
    duplicates: float = 0.5,
) -> Iterator[pa.Table]:
    """Synthetic ads in tables of `batch_rows` rows, `count` in all.

    The same arguments give the same ads, whatever `batch_rows` is. Another count gives other ads.

    Args:
        count: ads to make; 0 gives no table.
        seed: the source of everything random.
        prevalence: share of ads whose risk is 2 or 3, in each split.
        batch_rows: rows of every table but the last.
        duplicates: share of ads that are near-copies of an earlier one.

    Raises:
        UsageError: if an argument is out of its range; nothing has been made then.
    """
    _check(count, prevalence, batch_rows, duplicates)
    return _tables(count, seed, prevalence, batch_rows, duplicates)


def _check(count: int, prevalence: float, batch_rows: int, duplicates: float) -> None:
    if count < 0 or batch_rows < 1:
        raise UsageError(
            f"synthetic: count must be 0 or more and batch_rows 1 or more, got {count} and "
            f"{batch_rows}"
        )
    if not 0 <= prevalence <= 1:
        raise UsageError(f"synthetic: prevalence must be from 0 to 1, got {prevalence}")
    if not 0 <= duplicates <= 0.95:
        raise UsageError(f"synthetic: duplicates must be from 0 to 0.95, got {duplicates}")


def _tables(
    count: int, seed: int, prevalence: float, batch_rows: int, duplicates: float
) -> Iterator[pa.Table]:
    waiting: list[Post] = []
    made = 0
    for block in _blocks(count, seed, prevalence, duplicates):
        waiting += block
        while len(waiting) >= batch_rows:
            yield _table(waiting[:batch_rows], made, seed)
            made += batch_rows
            waiting = waiting[batch_rows:]
    if waiting:
        yield _table(waiting, made, seed)


def _blocks(count: int, seed: int, prevalence: float, duplicates: float) -> Iterator[list[Post]]:
    rng = random.Random(f"{seed}/blocks")
    block: list[Post] = []
    left = count
    for post in _stream(count, seed, prevalence, duplicates):
        block.append(post)
        left -= 1
        if len(block) == _BLOCK or not left:
            rng.shuffle(block)
            yield block
            block = []


def _stream(count: int, seed: int, prevalence: float, duplicates: float) -> Iterator[Post]:
    """Campaign by campaign; the ledger holds each split to its prevalence."""
    rng = random.Random(f"{seed}/campaigns")
    cases, sectors = load_cases()
    chance = {
        risky: (group, list(accumulate(case.share for case in group)))
        for risky in (False, True)
        for group in ([case for case in cases if case.risky is risky],)
    }
    # No campaign may outweigh the rest, or a small corpus would have one risky author.
    largest = min(_LARGEST, max(4, int(prevalence * count / 25)))
    scale = _size_scale(duplicates, largest)
    ads = dict.fromkeys(SPLITS, 0)
    risky_ads = dict.fromkeys(SPLITS, 0)
    campaigns = dict.fromkeys(SPLITS, 0)
    left = count
    while left:
        split = "test" if rng.random() < _TEST_SHARE else "train"
        owed = prevalence * (ads[split] + 1) - risky_ads[split]
        case = _draw(*chance[owed > rng.random()], rng)
        size = min(_size(scale, largest, rng), left)
        for post in posts(case, sectors, split, campaigns[split], size, seed):
            risky_ads[split] += post.risk >= RISKY
            yield post
        campaigns[split] += 1
        ads[split] += size
        left -= size


def _draw(cases: list[Case], weights: list[float], rng: random.Random) -> Case:
    return rng.choices(cases, cum_weights=weights)[0]


def _size(scale: float, largest: int, rng: random.Random) -> int:
    """One ad and a heavy-tailed number of copies (a discrete Lomax law, capped)."""
    if not scale:
        return 1
    copies = scale * ((1 - rng.random()) ** (-1 / _TAIL) - 1)
    return 1 + min(int(copies), largest - 1)


def _size_scale(duplicates: float, largest: int) -> float:
    """The scale at which the mean of the copies makes them the share of ads asked for.

    With m copies to an original on average, the share is m / (1 + m); the mean is the sum of
    the chances of at least 1, 2, ... copies.
    """
    wanted = duplicates / (1 - duplicates)
    low, high = 0.0, 1e6
    while wanted and high - low > 1e-6 * high:
        middle = (low + high) / 2
        mean = math.fsum((1 + k / middle) ** -_TAIL for k in range(1, largest))
        low, high = (middle, high) if mean < wanted else (low, middle)
    return high if wanted else 0.0


def _table(batch: list[Post], first: int, seed: int) -> pa.Table:
    rows = len(batch)
    columns = {
        "ad_id": [f"syn-{seed}-{first + i:08d}" for i in range(rows)],
        "text": [post.text for post in batch],
        "language": [post.language for post in batch],
        "posted_at": [_EPOCH_MICROSECONDS + post.posted_second * 1_000_000 for post in batch],
        "source": ["synthetic"] * rows,
        "category": [post.category for post in batch],
        "location": [post.location for post in batch],
        "account_id": [post.account_id for post in batch],
        "url": [None] * rows,
        "price": [post.price for post in batch],
        "indicators": [post.indicators for post in batch],
        "indicators_known": [post.indicators_known for post in batch],
        "risk": [post.risk for post in batch],
        "label_source": ["synthetic"] * rows,
        "campaign_id": [f"syn-{seed}-{post.campaign_id}" for post in batch],
        "split": [post.split for post in batch],
        "votes": [None] * rows,
        "kind": [post.kind for post in batch],
        "template_family": [post.template_family for post in batch],
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in SCHEMA], schema=SCHEMA)
