"""Fairness of a model: false-positive rates by group, recall by group, and the swap test.

In: a model and corpora. Out: a `FairnessResult`, and from it the generated part of
`evaluation/fairness.md`. Flagged, and left to people as incomplete, is what scoring would flag and
leave. Groups come from the corpus' own columns and from the words of the ads; nothing is inferred
about a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from adrisk.errors import CorpusError
from adrisk.evaluation.evaluate import judged_model, seen_parts, without_folder
from adrisk.evaluation.fairness.lexicon import LANGUAGES, find_nations
from adrisk.evaluation.fairness.rates import (
    LEAST_ADS,
    LEAST_CAMPAIGNS,
    Decided,
    Dimension,
    DimensionRates,
    by_value,
    compare,
    rate,
)
from adrisk.evaluation.fairness.swap_test import SwapTest, swap_test
from adrisk.evaluation.markdown import render
from adrisk.extract.places import guess_regions
from adrisk.labels.targets import UNKNOWN_RISK
from adrisk.layout import REVIEW_SHARE
from adrisk.metrics.estimates import Bootstrap
from adrisk.metrics.figures import Figure, JudgedModel, Result
from adrisk.model.model import Model
from adrisk.policy.abstention import ad_exceptions
from adrisk.progress import track
from adrisk.text.arrow import text_list
from adrisk.training.corpus import Corpus
from adrisk.types import IntArray

BUDGETS = (REVIEW_SHARE, 0.05)
"""Review shares whose thresholds are measured: the policy's own, and a larger one."""

_GROUPS_SHOWN = 10  # groups of a dimension on the page; of more, those that differ


class ThresholdRates(Result):
    """Flagged ads at a threshold: all, the share of judged lawful ads, and rates by group."""

    threshold: float
    flagged: int
    false_positive_rate: Figure
    groups: Mapping[str, DimensionRates]


class CorpusRates(Result):
    """A corpus at each threshold; `at` is keyed by the review budget."""

    sources: tuple[str, ...]
    fingerprint: str
    target: str
    ads: int
    lawful: int
    judged: int | None = None  # absent from results of earlier versions, as is `incomplete`
    risky: int
    campaigns: int
    at: Mapping[str, ThresholdRates]
    incomplete: Figure | None = None

    @property
    def loosest(self) -> str:
        """The key of the largest budget."""
        return max(self.at, key=float)


class Least(Result):
    """A group of fewer lawful ads or campaigns is withheld."""

    ads: int
    campaigns: int


class FairnessResult(Result):
    """The content of `fairness.json`.

    Attributes:
        least: lawful ads and campaigns below which a group is withheld.
        unseen: the labelled corpus, without the campaigns of the training data.
        lawful: corpora that are assumed to be lawful, by name.
    """

    model: JudgedModel
    least: Least
    unseen: CorpusRates
    lawful: Mapping[str, CorpusRates]
    swaps: SwapTest


def fairness(
    model: Model,
    corpus: Corpus,
    others: Sequence[Corpus] = (),
    *,
    budgets: Sequence[float] = BUDGETS,
    most: int = 2000,
    draws: int = 2,
    resamples: int = 500,
) -> FairnessResult:
    """All fairness figures of a model.

    Args:
        corpus: with labels; only campaigns outside the training data are used.
        others: corpora that are assumed to be lawful, labelled or not.
        budgets: review shares; the threshold of the first is used in the swap test.
        most: ads with a swap, for each trait.
        draws: swaps of each trait for an ad.

    Raises:
        CorpusError: if no labelled ad of `corpus` is outside the training data.
    """
    rows = np.flatnonzero((seen_parts(model, corpus) == -1) & (corpus.targets.risk != UNKNOWN_RISK))
    if not len(rows):
        raise CorpusError(
            "no labelled ad of the corpus is new to the model; bring ads it did not learn from"
        )
    bootstrap = Bootstrap(resamples, model.manifest.seed)
    return FairnessResult(
        model=judged_model(model),
        least=Least(ads=LEAST_ADS, campaigns=LEAST_CAMPAIGNS),
        unseen=_corpus(model, corpus, rows, budgets, bootstrap),
        lawful={
            other.sources[0].partition(":")[0]: _corpus(
                model, other, np.arange(len(other)), budgets, bootstrap, all_lawful=True
            )
            for other in others
        },
        swaps=swap_test(
            model,
            corpus,
            rows,
            threshold=model.threshold(budgets[0]).threshold,
            most=most,
            draws=draws,
            resamples=resamples,
        ),
    )


def dimensions(ads: pa.Table) -> dict[str, Dimension]:
    """The groups of n ads: language, region, sector, nationality, and the corpus' own more.

    Region is the corpus' own column; else the place as written, if most places are shared by enough
    ads, such as states and provinces; else the country of the place. Nationality is known where the
    language has a lexicon.
    """
    names = ads.column_names
    languages = ads["language"].to_pylist()
    found = {"language": by_value(languages)}
    found["region"] = by_value(_regions(ads, languages))
    found["sector"] = by_value([(value or "").lower() for value in ads["category"].to_pylist()])
    if "kind" in names:
        found["kind"] = by_value(ads["kind"].to_pylist())
    if "case" in names:
        found["who is behind"] = by_value(ads["case"].to_pylist())
    found["nationality"] = _nationalities(text_list(ads["text"]), languages)
    return {name: dimension for name, dimension in found.items() if dimension.groups}


def _regions(ads: pa.Table, languages: Sequence[str | None]) -> Sequence[str | None]:
    if "region" in ads.column_names:
        regions: list[str | None] = ads["region"].to_pylist()
        return regions
    places: list[str | None] = ads["location"].to_pylist()
    named = Counter(place for place in places if place)
    shared = sum(count for count in named.values() if count >= LEAST_ADS)
    return places if 2 * shared > sum(named.values()) else guess_regions(places, languages)


def _nationalities(texts: Sequence[str], languages: Sequence[str | None]) -> Dimension:
    known = np.array([language in LANGUAGES for language in languages], dtype=np.bool_)
    mentioned = np.zeros(len(texts), dtype=np.bool_)
    nations: dict[str, np.ndarray] = {}
    for row, (text, language) in enumerate(zip(texts, languages, strict=True)):
        for mention in find_nations(text, language):
            mentioned[row] = True
            if nation := mention.sense.nation:
                nations.setdefault(nation, np.zeros(len(texts), dtype=np.bool_))[row] = True
    groups = {"any nationality": known & mentioned, "no nationality": known & ~mentioned}
    return Dimension(known, {**groups, **dict(sorted(nations.items()))})


def _corpus(
    model: Model,
    corpus: Corpus,
    rows: IntArray,
    budgets: Sequence[float],
    bootstrap: Bootstrap,
    all_lawful: bool = False,
) -> CorpusRates:
    """The rates of these ads at the threshold of each budget."""
    with track("groups", len(rows)) as advance:
        batch = corpus.batch.take(rows)
        answers = model.predict(batch)
        exceptions = ad_exceptions(model, batch, answers)
        by_dimension = dimensions(corpus.ads.take(rows))
        risky = np.asarray(corpus.risky[rows])
        lawful = np.ones(len(rows), dtype=np.bool_) if all_lawful else ~risky
        at: dict[str, ThresholdRates] = {}
        for budget in budgets:
            threshold = model.threshold(budget).threshold
            decided = Decided(
                flagged=exceptions.flagged(answers.risk, threshold),
                risk=answers.risk.astype(np.float64),
                lawful=lawful,
                risky=risky & ~lawful,
                campaigns=corpus.campaigns[rows],
                incomplete=exceptions.unjudged,
            )
            overall = rate(decided.flagged, decided.campaigns, bootstrap, decided.judged)
            at[f"{budget:g}"] = ThresholdRates(
                threshold=round(threshold, 6),
                flagged=int(decided.flagged.sum()),
                false_positive_rate=overall.figure(),
                groups={
                    name: compare(decided, dimension, bootstrap)
                    for name, dimension in by_dimension.items()
                },
            )
        incomplete = rate(decided.incomplete, decided.campaigns, bootstrap, lawful)
        advance(len(rows))
    return CorpusRates(
        sources=tuple(without_folder(source) for source in corpus.sources),
        fingerprint=corpus.fingerprint,
        target="held to be lawful" if all_lawful else corpus.target,
        ads=len(rows),
        lawful=int(lawful.sum()),
        judged=int(decided.judged.sum()),
        risky=0 if all_lawful else int(risky.sum()),
        campaigns=len(np.unique(corpus.campaigns[rows])),
        at=at,
        incomplete=incomplete.figure(),
    )


def fairness_page(found: FairnessResult) -> str:
    """The figures as Markdown: each threshold, the groups at the loosest one, and the swap test."""
    corpora = [("Synthetic ads that the model never saw", found.unseen)]
    corpora += [(f"{name}, held to be lawful", rates) for name, rates in found.lawful.items()]
    return render(
        "fairness.md.j2",
        found=found,
        corpora=corpora,
        least_ads=LEAST_ADS,
        least_campaigns=LEAST_CAMPAIGNS,
        groups_shown=_GROUPS_SHOWN,
    )
