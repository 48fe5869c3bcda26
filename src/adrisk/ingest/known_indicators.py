"""Check that the indicator labels of a corpus are known: unknown labels are not absent ones."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_NULL = (
    "indicators: unknown for every ad, though risk is labelled; unknown is not absent, so no "
    "indicator can be learned from these ads"
)
_EMPTY = (
    "indicators: [] in every ad that has a value, though some are of risk 2 or 3; [] means that "
    "none is present. Use null where indicators were not judged: unknown is not absent"
)


class KnownIndicators:
    """The state of a corpus's indicator labels, updated table by table.

    >>> known = KnownIndicators()
    >>> none = pa.array([None, None], pa.list_(pa.string()))
    >>> known.add(pa.table({"risk": [0, 3], "indicators": none}))
    >>> str(known.note).split(";")[0]
    'indicators: unknown for every ad, though risk is labelled'
    """

    def __init__(self) -> None:
        self._labelled = self._risk = self._risky = self._judged = self._named = False

    def add(self, ads: pa.Table) -> None:
        """Add ads; a table without `indicators` or `risk` is ignored."""
        if not {"indicators", "risk"} <= set(ads.column_names):
            return
        self._labelled = True
        self._risk |= ads["risk"].null_count < len(ads)
        self._risky |= bool(pc.any(pc.greater_equal(ads["risk"], 2)).as_py())
        for name in ("indicators", "indicators_known", "votes"):
            if name in ads.column_names:
                longest = pc.max(pc.list_value_length(ads[name])).as_py() or 0
                self._named |= longest > 0
        judged = pc.is_valid(ads["indicators"])
        if "indicators_known" in ads.column_names:
            judged = pc.and_(judged, pc.is_null(ads["indicators_known"]))
        self._judged |= bool(pc.any(judged).as_py())

    @property
    def note(self) -> str | None:
        """A warning in one line; None if some indicator is known."""
        if not self._labelled or not self._risk or self._named:
            return None
        if not self._judged:
            return _NULL
        return _EMPTY if self._risky else None
