"""Toolkit that finds ads that may recruit or sell people and ranks them for human review.

    import adrisk
    model = adrisk.load("models:/adrisk@champion")
    scores = model.score(["Work abroad, we hold your passport until the fare is paid back."])
    scores.to_pandas(), scores.flags()

Importing has no side effects; modules are imported when they are used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from adrisk.version import __version__

if TYPE_CHECKING:
    from adrisk.scoring.risk_model import RiskModel

__all__ = ["__version__", "load"]


def load(
    model: str | Path | None = None,
    workspace: Path | None = None,
    taxonomy: Path | None = None,
) -> RiskModel:
    """Load a model that scores as `adrisk score` does; see `adrisk.scoring.risk_model.RiskModel`.

        model = adrisk.load("models/adrisk")

    Args:
        model: a folder, `models:/adrisk@champion` or `runs:/...`; the champion if left out.
        workspace: of the registry; ADRISK_WORKSPACE or ./workspace if left out.
        taxonomy: a platform's own indicators and rules, the file that `--taxonomy` names.

    Raises:
        ModelError: if there is no such model, or its files do not pass the checks.
    """
    from adrisk.files import workspace as place
    from adrisk.rules.ruleset import load_ruleset
    from adrisk.scoring.risk_model import RiskModel
    from adrisk.tracking.models import find_model

    named = None if model is None else str(model)
    return RiskModel(find_model(named, place(workspace), load_ruleset(taxonomy)))
