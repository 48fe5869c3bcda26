"""Whether a labelled corpus knows anything of its indicators: none known is not none present."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_NULL = (
    "indicators: none is known of any ad, though risk is labelled; none known is not none present, "
    "so these ads teach no indicator"
)
_EMPTY = (
    "indicators: [] in every ad that has a value, though some are of risk 2 or 3; [] teaches that "
    "none is present. Leave it null where nobody looked: none known is not none present"
)


class KnownIndicators:
    """What the label columns of a corpus know of indicators, table by table.

    >>> known = KnownIndicators()
    >>> none = pa.array([None, None], pa.list_(pa.string()))
    >>> known.add(pa.table({"risk": [0, 3], "indicators": none}))
    >>> str(known.note).split(";")[0]
    'indicators: none is known of any ad, though risk is labelled'
    """

    def __init__(self) -> None:
        self._asked = self._risk = self._risky = self._judged = self._named = False

    def add(self, ads: pa.Table) -> None:
        """Take in some ads; a table without `indicators` or without `risk` says nothing."""
        if not {"indicators", "risk"} <= set(ads.column_names):
            return
        self._asked = True
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
        """What a person should be told, in one line; None if some indicator is known."""
        if not self._asked or not self._risk or self._named:
            return None
        if not self._judged:
            return _NULL
        return _EMPTY if self._risky else None
