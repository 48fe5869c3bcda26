"""Transfer: how a model ranks ads in a language that it was not fitted on.

One corpus, one split: the model is taught the fit ads of all languages but one, and judged on the
report ads of that one. Beside it stand the model taught all languages, with the difference of the
two on the same ads, and the model taught that language alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from adrisk.config import ModelConfig
from adrisk.errors import CorpusError
from adrisk.evaluation.studies.data import (
    StudyData,
    TrainSet,
    average_precision,
    fit_predict,
    labelled,
    pair,
    some,
    thinned,
)
from adrisk.evaluation.study_results import MeanOfIndicators, Transfer, TransferCounts, TransferRow
from adrisk.metrics.comparison import compare
from adrisk.metrics.protocol import Ruler
from adrisk.progress import track
from adrisk.types import RISKY

LEAST_RISKY = 10
"""A language with fewer risky report ads is left out."""


def transfer(
    ground: StudyData,
    recipes: Mapping[str, ModelConfig],
    ruler: Ruler,
    *,
    only_risk: Collection[str] = (),
    every: int = 3,
) -> Transfer:
    """Ranking in every language by a model fitted without it, against one fitted with it.

    Args:
        ground: ads of several languages.
        recipes: by the name they have in the results.
        ruler: of the intervals.
        only_risk: recipes for which no indicators are learned, which takes a tenth of the time.
        every: of the taxonomy's indicators, so many count as one: 1 for all, 3 for every third.

    Raises:
        CorpusError: if fewer than two languages have enough risky ads.
    """
    spoken = np.array([name or "" for name in ground.corpus.ads["language"].to_pylist()])
    heard = spoken[ground.report]
    risky = ground.targets.risk >= RISKY
    names = [
        str(name)
        for name in np.unique(heard[heard != ""])
        if risky[heard == name].sum() >= LEAST_RISKY
    ]
    if len(names) < 2:
        raise CorpusError(
            f"{ground.source}: {len(names)} languages with {LEAST_RISKY} risky ads to report on, "
            "and transfer needs two; bring more ads or languages"
        )
    whole = thinned(labelled(ground), every)
    rows = []
    with track("transfer", len(recipes) * (1 + 2 * len(names)), "models") as advance:
        for recipe_name, recipe in recipes.items():
            few = recipe_name in only_risk
            everything = fit_predict(ground, recipe, whole, only_risk=few)
            advance()
            for name in names:
                others = [some(one, spoken[one.rows] != name) for one in whole]
                alone = [some(one, spoken[one.rows] == name) for one in whole]
                without = fit_predict(ground, recipe, others, only_risk=few)
                advance()
                itself = fit_predict(ground, recipe, alone, only_risk=True)
                advance()
                here = heard == name
                found = compare(pair(ground, without, everything, here), ruler)
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
                        alone=average_precision(ground, itself, ruler, here).estimate().figure(),
                    )
                )
    return Transfer(
        **dict(ground.summary()),
        recipes={name: recipe.model_dump(mode="json") for name, recipe in recipes.items()},
        languages=tuple(rows),
    )


def _ads(taught: list[TrainSet]) -> int:
    return round(float(np.mean([len(one.rows) for one in taught])))
