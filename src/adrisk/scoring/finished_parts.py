"""Finished parts of a stopped run, compared with the ads that a resumed run reads.

Local sources are hashed before a run goes on; this holds for every other kind too.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from adrisk.errors import UsageError
from adrisk.layout import FACT_COLUMNS
from adrisk.linking.unique_texts import unique_texts
from adrisk.scoring.workdir import RunFolder


class FinishedParts:
    """The ads of parts that have scores, in order; each part is held in memory while it is read."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._left = [path.stem for path in folder.part_files()]
        self._current: pa.Table | None = None
        self._row = 0

    def add(self, ads: pa.Table) -> None:
        """Compare the next ads, none of which is beyond the part of the first.

        Raises:
            UsageError: if they are not those that were scored.
        """
        if self._current is None or self._row == len(self._current):
            self._current, self._row = self._ads(self._left.pop(0)), 0
        unique = unique_texts(ads)
        now = ads.select(["ad_id", *FACT_COLUMNS]).append_column(
            "input_sha256", pa.array(unique.digests, pa.string()).take(unique.number)
        )
        before = self._current.slice(self._row, len(ads))
        if not all(now[name].equals(before[name]) for name in before.column_names):
            raise self._changed(f"ads {self._row + 1:,} to {self._row + len(ads):,} of a part")
        self._row += len(ads)

    def close(self) -> None:
        """Make sure that no finished part has more ads than were read.

        Raises:
            UsageError: if one has.
        """
        if self._left or (self._current is not None and self._row < len(self._current)):
            raise self._changed("ads at their end")

    def _ads(self, part: str) -> pa.Table:
        scores = pq.read_table(
            self._folder.scores / f"{part}.parquet", columns=["ad_id", "input_sha256"]
        )
        facts = pq.read_table(self._folder.sidecar(part, "facts"), columns=list(FACT_COLUMNS))
        for name in FACT_COLUMNS:
            scores = scores.append_column(facts.schema.field(name), facts[name])
        return scores

    def _changed(self, what: str) -> UsageError:
        return UsageError(
            f"{self._folder.path} holds an unfinished run of sources that have changed since: "
            f"{what} are others now; score into a new folder with -o"
        )
