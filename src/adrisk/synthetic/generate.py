"""Generation of a corpus of synthetic ads with true labels.

In: a count and a seed. Out: Arrow tables of ads with labels. Campaigns are drawn one by one; in
each split, risky campaigns are drawn such that the share of risky ads stays near the prevalence.
Ads are shuffled in blocks, so memory is bounded. Scores on these ads are no estimate of scores on
real ads.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import pyarrow as pa

from adrisk.errors import UsageError, did_you_mean
from adrisk.synthetic.campaign import Origin, Post, posts
from adrisk.synthetic.cases import Case, CaseBook, load_cases
from adrisk.synthetic.contacts import PhoneBook
from adrisk.synthetic.phrase_bank import LANGUAGES, SPLITS, FastRandom, load_bank
from adrisk.synthetic.table import table_of
from adrisk.types import RISKY

KINDS = ("job", "service", "housing", "other")
"""Kinds of ads; other are au pairs, modelling, introductions, goods, trades and notices."""

_LANGUAGE_SHARES = {"en": 40, "es": 24, "pt": 18, "fr": 18}
_BLOCK = 4_096
_TEST_SHARE = 0.3
_TAIL = 1.3  # exponent of the campaign sizes: heavy-tailed, as in real ads
_LARGEST = 200


@dataclass(frozen=True, slots=True)
class _Settings:
    """The arguments of `generate` that determine the ads."""

    count: int
    seed: int
    prevalence: float
    duplicates: float
    edited: float
    languages: tuple[str, ...]
    kinds: tuple[str, ...]


def generate(
    count: int,
    *,
    seed: int = 0,
    prevalence: float = 0.03,
    batch_rows: int = 4096,
    duplicates: float = 0.5,
    edited: float = 0.5,
    languages: Collection[str] = LANGUAGES,
    kinds: Collection[str] = KINDS,
) -> Iterator[pa.Table]:
    """Synthetic ads in tables of `batch_rows` rows, `count` in all.

    The same arguments give the same ads, for any `batch_rows`. Another count gives other ads.

    Args:
        count: number of ads; 0 gives no table.
        seed: the source of everything random.
        prevalence: share of ads whose true risk is 2 or 3, in each split.
        batch_rows: rows of every table but the last.
        duplicates: share of ads that repeat an earlier one, edited or not.
        edited: share of those repeats that change something: a place, a price, a contact, a
            sentence. With 0 they are raw copies, posted from other accounts at other times.
        languages: of `LANGUAGES`; the ratios of their shares stay.
        kinds: of `KINDS`.

    Raises:
        UsageError: if an argument is out of its range, before any ad is made.
    """
    _check(count, prevalence, batch_rows, duplicates, edited)
    settings = _Settings(
        count,
        seed,
        prevalence,
        duplicates,
        edited,
        _chosen(languages, LANGUAGES, "languages"),
        _chosen(kinds, KINDS, "kinds"),
    )
    return _tables(settings, batch_rows)


def _check(
    count: int, prevalence: float, batch_rows: int, duplicates: float, edited: float
) -> None:
    if count < 0 or batch_rows < 1:
        raise UsageError(
            f"synthetic: count must be 0 or more and batch_rows 1 or more, got {count} and "
            f"{batch_rows}"
        )
    if not 0 <= prevalence <= 1:
        raise UsageError(f"synthetic: prevalence must be from 0 to 1, got {prevalence}")
    if not 0 <= duplicates <= 0.95:
        raise UsageError(f"synthetic: duplicates must be from 0 to 0.95, got {duplicates}")
    if not 0 <= edited <= 1:
        raise UsageError(f"synthetic: edited must be from 0 to 1, got {edited}")


def _chosen(given: Collection[str], known: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The given values in the order of `known`."""
    for value in given:
        if value not in known:
            raise UsageError(
                f"synthetic: {name} are {', '.join(known)}, and {value!r} is none of them"
                f"{did_you_mean(value, known)}"
            )
    if not given:
        raise UsageError(f"synthetic: {name} is empty; name some of {', '.join(known)}")
    return tuple(value for value in known if value in given)


def _tables(settings: _Settings, batch_rows: int) -> Iterator[pa.Table]:
    waiting: list[Post] = []
    made = 0
    for block in _blocks(settings):
        waiting += block
        while len(waiting) >= batch_rows:
            yield table_of(waiting[:batch_rows], made, settings.seed)
            made += batch_rows
            waiting = waiting[batch_rows:]
    if waiting:
        yield table_of(waiting, made, settings.seed)


def _blocks(settings: _Settings) -> Iterator[list[Post]]:
    rng = FastRandom(f"{settings.seed}/blocks")
    block: list[Post] = []
    left = settings.count
    for post in _stream(settings):
        block.append(post)
        left -= 1
        if len(block) == _BLOCK or not left:
            rng.shuffle(block)
            yield block
            block = []


def _stream(settings: _Settings) -> Iterator[Post]:
    """The ads of all campaigns, with the prevalence kept in each split."""
    rng = FastRandom(f"{settings.seed}/campaigns")
    book = load_cases()
    case_samplers = {
        risky: _CaseSampler(book, settings.kinds, risky=risky) for risky in (False, True)
    }
    banks = [load_bank(language) for language in settings.languages]
    shares = [_LANGUAGE_SHARES[bank.language] for bank in banks]
    sizes = {risky: _CampaignSizes(settings, risky=risky) for risky in (False, True)}
    ads = dict.fromkeys(SPLITS, 0)
    risky_ads = dict.fromkeys(SPLITS, 0)
    campaigns = dict.fromkeys(SPLITS, 0)
    phones = {split: PhoneBook(split) for split in SPLITS}
    left = settings.count
    while left:
        split = "test" if rng.random() < _TEST_SHARE else "train"
        owed = settings.prevalence * (ads[split] + 1) - risky_ads[split]
        risky = owed > rng.random()
        case, sector = case_samplers[risky].draw(rng)
        size = min(sizes[risky].draw(rng), left)
        bank = rng.choices(banks, shares)[0]
        region = rng.choices(bank.regions, [region.share for region in bank.regions])[0]
        origin = Origin(bank, region, split, campaigns[split])
        own = FastRandom(f"{settings.seed}/{split}/{campaigns[split]}")
        for post in posts(case, sector, origin, book, phones[split], size, settings.edited, own):
            risky_ads[split] += post.story.truth.risk >= RISKY
            yield post
        campaigns[split] += 1
        ads[split] += size
        left -= size


class _CaseSampler:
    """Sampler of cases and sectors that give ads of the selected kinds."""

    def __init__(self, book: CaseBook, kinds: Collection[str], *, risky: bool) -> None:
        self._cases: list[tuple[Case, list[str]]] = []
        self._shares: list[float] = []
        for case in book.cases:
            sectors = [
                name
                for name in case.sectors
                if ("other" if case.notice else book.sectors[name].kind) in kinds
            ]
            if sectors and case.risky is risky:
                self._cases.append((case, sectors))
                self._shares.append(case.share * len(sectors) / len(case.sectors))

    def draw(self, rng: random.Random) -> tuple[Case, str]:
        """A case and a sector."""
        case, sectors = rng.choices(self._cases, self._shares)[0]
        return case, rng.choice(sectors)


class _CampaignSizes:
    """Sampler of campaign sizes: one ad and a number of copies by a discrete Lomax law.

    The law is capped, and its scale gives the requested share of copies on average. Risky
    campaigns are capped lower, so that a small corpus has more than one risky author.
    """

    def __init__(self, settings: _Settings, *, risky: bool) -> None:
        self._copies = settings.duplicates / (1 - settings.duplicates)
        fair = (
            settings.prevalence * settings.count / 75 if risky else max(12, settings.count / 1000)
        )
        self._largest = min(_LARGEST, max(4, int(fair), int(4 * self._copies)))
        self._scale = self._scaled()

    def draw(self, rng: random.Random) -> int:
        """The number of ads of a campaign."""
        if not self._copies:
            return 1
        copies = self._scale * ((1 - rng.random()) ** (-1 / _TAIL) - 1)
        return 1 + min(int(copies), self._largest - 1)

    def _scaled(self) -> float:
        """The scale at which an original has `_copies` copies on average, by bisection.

        The mean is the sum of the chances of at least 1, 2, ... copies.
        """
        low, high = 0.0, 1e6
        while self._copies and high - low > 1e-6 * high:
            middle = (low + high) / 2
            mean = math.fsum((1 + k / middle) ** -_TAIL for k in range(1, self._largest))
            low, high = (middle, high) if mean < self._copies else (low, middle)
        return high
