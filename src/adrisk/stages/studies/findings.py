"""Findings: what the evidence rules add as features beside the text.

Each family is fitted twice on the same ads and labels, with the findings and without; the
difference is that of the same report ads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from adrisk.config import ModelConfig
from adrisk.evaluation import Ruler, compare
from adrisk.progress import track
from adrisk.stages.studies.ground import Ground, ask, labelled, pair


def findings(ground: Ground, families: Sequence[str], ruler: Ruler) -> dict[str, Any]:
    """With the findings less without them, for risk and, where labelled, the indicators.

    Args:
        ground: the ads.
        families: with their default parameters otherwise.
        ruler: of the intervals.
    """
    taught = labelled(ground)
    only_risk = bool(np.isnan(taught[0].targets.indicators).all())
    compared = {}
    with track("findings", 2 * len(families), "models") as advance:
        for family in families:
            said = []
            for wanted in (True, False):
                recipe = ModelConfig(family=family, parameters={"findings": wanted})
                said.append(ask(ground, recipe, taught, only_risk=only_risk))
                advance()
            compared[family] = compare(pair(ground, said[0], said[1]), ruler)
    return {"families": compared}
