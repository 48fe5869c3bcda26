"""adrisk finds ads that may recruit or sell people, ranks them for review, and says why.

    import adrisk
    model = adrisk.load("models:/adrisk@champion")
    scores = model.score(["Work abroad, we hold your passport until the fare is paid back."])

Importing does nothing; the parts are imported when they are used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adrisk.model.model import Model

__version__ = "0.4.0"
__all__ = ["__version__", "load"]


def load(model: str | Path | None = None, workspace: Path | None = None) -> Model:
    """A model by folder, `models:/adrisk@champion` or `runs:/...`; the champion if left out.

    Args:
        model: what to load.
        workspace: whose registry; ADRISK_WORKSPACE or ./workspace if left out.

    Raises:
        ModelError: if there is no such model, or its files do not pass the checks.
    """
    from adrisk.files import workspace as place
    from adrisk.tracking.models import find_model

    return find_model(None if model is None else str(model), place(workspace))
