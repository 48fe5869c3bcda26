"""MLflow flavour `pyfunc` of a model folder: predictions from data frames, loaded without pickle.

In: a data frame with the column `text`, and `language`, `location` and others where known. Out: the
scores of `adrisk score`, row for row.

A model with indicators of a platform is logged with the path of the platform's file, as the key
`taxonomy` of its `model_config`; give another path there if the file is elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from adrisk.model.model import Model
from adrisk.policy.abstention import check_indicators
from adrisk.rules.ruleset import Ruleset, load_ruleset

if TYPE_CHECKING:
    import pandas as pd

    from adrisk.scoring.risk_model import RiskModel


TAXONOMY_KEY = "taxonomy"
"""Key of the `model_config` for the path of a platform's file."""


class PyfuncModel:
    """Model interface of MLflow, from data frame to data frame."""

    def __init__(self, model: RiskModel) -> None:
        self.model = model

    def predict(
        self, model_input: pd.DataFrame, params: dict[str, object] | None = None
    ) -> pd.DataFrame:
        """Scores of the ads in the column `text`.

        Args:
            model_input: one ad a row; missing languages are detected.
            params: ignored.

        Returns:
            A data frame with the index of the input: `risk`, `level`, one `p_<indicator>` column a
            head, and `incomplete`: empty, or the reason why the scores are unreliable. Rows that
            are no ad have NaN scores and a reason.
        """
        import pandas as pd

        scores = self.model.score(model_input.reset_index(drop=True), evidence=False)
        columns = ["risk", "level", *(f"p_{label}" for label in self.model.labels), "incomplete"]
        frame = scores.to_arrow().select(columns).to_pandas()
        frame["incomplete"] = (
            frame["incomplete"].astype(object).where(frame["incomplete"].notna(), "")
        )
        if scores.rejected:
            frame = frame.set_axis(scores.rows).reindex(range(len(model_input)))
            for row in scores.rejected:
                frame.loc[row.line - 1, "incomplete"] = row.reason
        return frame.set_axis(pd.Index(model_input.index))


def _load_pyfunc(data_path: str, model_config: Mapping[str, str] | None = None) -> PyfuncModel:
    """Loader function of MLflow, by its fixed name."""
    named = (model_config or {}).get(TAXONOMY_KEY)
    return load_with(Path(data_path), load_ruleset(Path(named) if named else None))


def load_with(folder: Path, rules: Ruleset) -> PyfuncModel:
    """The model of a folder with these rules.

    Raises:
        UsageError: if their taxonomy lacks an indicator of the model.
    """
    from adrisk.scoring.risk_model import RiskModel

    model = Model.load(folder, rules=rules)
    check_indicators(model)
    return PyfuncModel(RiskModel(model))
