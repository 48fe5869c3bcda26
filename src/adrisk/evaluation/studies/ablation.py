"""Ablation studies: models fitted with and without the rules' findings, or a language.

In: a corpus with its split. Out: the figures of both models and their difference on the same report
ads. Transfer fits a model on the fit ads of all languages but one and evaluates it on the report
ads of that one, beside a model fitted on all languages and one fitted on that language alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from adrisk.config import ModelConfig
from adrisk.errors import CorpusError
from adrisk.evaluation.baselines import TrainSet
from adrisk.evaluation.results import (
    Findings,
    MeanOfIndicators,
    Transfer,
    TransferCounts,
    TransferRow,
)
from adrisk.evaluation.studies.data import (
    StudyData,
    average_precision,
    fit_predict,
    labelled,
    pair,
    some,
    thinned,
)
from adrisk.metrics.comparison import compare
from adrisk.metrics.estimates import Bootstrap
from adrisk.progress import track
from adrisk.types import RISKY

LEAST_RISKY = 10
"""A language with fewer risky report ads is left out."""

EVERY = 3
"""Of the taxonomy, every third indicator is fitted."""


def findings(data: StudyData, recipes: Sequence[ModelConfig], bootstrap: Bootstrap) -> Findings:
    """Difference of the rules' findings as features, for risk and, where labelled, indicators."""
    train_sets = labelled(data)
    only_risk = bool(np.isnan(train_sets[0].targets.indicators).all())
    compared = {}
    with track("findings", 2 * len(recipes), "models") as advance:
        for recipe in recipes:
            scores = []
            for wanted in (True, False):
                ablated = with_findings(recipe, wanted)
                scores.append(fit_predict(data, ablated, train_sets, only_risk=only_risk))
                advance()
            compared[recipe.family] = compare(pair(data, scores[0], scores[1]), bootstrap)
    return Findings(**dict(data.summary()), families=compared)


def with_findings(recipe: ModelConfig, wanted: bool) -> ModelConfig:
    """The recipe with the rules' findings as features, or without."""
    return recipe.model_copy(update={"parameters": {**recipe.parameters, "findings": wanted}})


def transfer(
    data: StudyData,
    recipes: Mapping[str, ModelConfig],
    bootstrap: Bootstrap,
    *,
    only_risk: Collection[str] = (),
) -> Transfer:
    """Ranking in every language by a model fitted without it, against one fitted with it.

    The `recipes` are keyed by their name in the results; those in `only_risk` are fitted without
    indicators, in a tenth of the time.

    Raises:
        CorpusError: if fewer than two languages have enough risky ads.
    """
    languages = np.array([name or "" for name in data.corpus.ads["language"].to_pylist()])
    reported = languages[data.report]
    risky = data.targets.risk >= RISKY
    names = [
        str(name)
        for name in np.unique(reported[reported != ""])
        if risky[reported == name].sum() >= LEAST_RISKY
    ]
    if len(names) < 2:
        raise CorpusError(
            f"{data.source}: {len(names)} languages with {LEAST_RISKY} risky ads to report on, "
            "and transfer needs two; bring more ads or languages"
        )
    whole = thinned(labelled(data), EVERY)
    rows = []
    with track("transfer", len(recipes) * (1 + 2 * len(names)), "models") as advance:
        for recipe_name, recipe in recipes.items():
            risk_only = recipe_name in only_risk
            everything = fit_predict(data, recipe, whole, only_risk=risk_only)
            advance()
            for name in names:
                others = [some(one, languages[one.rows] != name) for one in whole]
                alone = [some(one, languages[one.rows] == name) for one in whole]
                without = fit_predict(data, recipe, others, only_risk=risk_only)
                advance()
                itself = fit_predict(data, recipe, alone, only_risk=True)
                advance()
                here = reported == name
                found = compare(pair(data, without, everything, here), bootstrap)
                compared = dict(found)
                if found.indicators is not None:
                    compared["indicators"] = MeanOfIndicators(
                        macro_average_precision=found.indicators.macro_average_precision,
                        judged=len(found.indicators.by_indicator),
                    )
                rows.append(
                    TransferRow(
                        recipe=recipe_name,
                        language=name,
                        fitted_on=TransferCounts(
                            others=_ads(others), all=_ads(whole), alone=_ads(alone)
                        ),
                        **compared,
                        alone=average_precision(data, itself, bootstrap, here).estimate().figure(),
                    )
                )
    return Transfer(
        **dict(data.summary()),
        recipes={name: recipe.model_dump(mode="json") for name, recipe in recipes.items()},
        languages=tuple(rows),
    )


def _ads(train_sets: list[TrainSet]) -> int:
    return round(float(np.mean([len(one.rows) for one in train_sets])))
