"""The `mlflow.pyfunc` flavour: a model folder behind MLflow's predict, loaded without pickle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from adrisk.model.model import Model

if TYPE_CHECKING:
    import pandas as pd


class PyfuncModel:
    """What MLflow calls: data frames in, data frames out."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """Scores of the ads in the column `text`.

        Args:
            model_input: one ad a row.
            params: none are known.

        Returns:
            A data frame with `risk`, `level` and one `p_<indicator>` column a head.
        """
        ads = pa.table({"text": pa.array(model_input["text"].astype(str), pa.large_string())})
        scores = self.model.score(ads).table
        wanted = ["risk", "level", *(f"p_{label}" for label in self.model.labels)]
        return scores.select(wanted).to_pandas()


def _load_pyfunc(data_path: str) -> PyfuncModel:
    """The name MLflow looks for in a loader module."""
    return PyfuncModel(Model.load(Path(data_path)))
