"""Study of the rules' findings as features beside the text.

Each family is fitted twice on the same ads and labels, with the findings and without; the
difference is on the same report ads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adrisk.config import ModelConfig
from adrisk.evaluation.studies.data import StudyData, fit_predict, labelled, pair
from adrisk.evaluation.study_results import Findings
from adrisk.metrics.comparison import compare
from adrisk.metrics.protocol import Ruler
from adrisk.progress import track


def findings(ground: StudyData, recipes: Sequence[ModelConfig], ruler: Ruler) -> Findings:
    """Difference that the findings make, for risk and, where labelled, the indicators.

    Args:
        ground: the ads.
        recipes: one a family; whether it has findings is set here.
        ruler: of the intervals.
    """
    taught = labelled(ground)
    only_risk = bool(np.isnan(taught[0].targets.indicators).all())
    compared = {}
    with track("findings", 2 * len(recipes), "models") as advance:
        for recipe in recipes:
            said = []
            for wanted in (True, False):
                asked = with_findings(recipe, wanted)
                said.append(fit_predict(ground, asked, taught, only_risk=only_risk))
                advance()
            compared[recipe.family] = compare(pair(ground, said[0], said[1]), ruler)
    return Findings(**dict(ground.summary()), families=compared)


def with_findings(recipe: ModelConfig, wanted: bool) -> ModelConfig:
    """The recipe with the rules' findings as features, or without."""
    return recipe.model_copy(update={"parameters": {**recipe.parameters, "findings": wanted}})
