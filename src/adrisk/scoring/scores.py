"""Scores in memory: a table, a sequence of `AdScore`, and the flags that a policy makes of them.

In: what scoring keeps of some ads, without their texts. Out: the tables that the command writes.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adrisk import schema
from adrisk.errors import MissingExtraError
from adrisk.model.model import Model
from adrisk.model.model import Scores as ScoreTable
from adrisk.policy.policy import PolicyConfig, resolve_policy
from adrisk.scoring.masking import visible
from adrisk.scoring.run import flag_parts
from adrisk.scoring.sidecars import PartBuffer, write_part
from adrisk.scoring.workdir import RunFolder
from adrisk.types import Evidence, IntArray, Quarantined

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5
_ID_SHOWN = 28
_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class AdScore:
    """The scores of one ad.

    Attributes:
        ad_id: as given, or made from the text.
        risk: calibrated probability that risk is 2 or 3.
        level: 0 to 3, the likeliest ordinal risk.
        indicators: probability of each indicator that the model knows.
        language: ISO 639-1, as given or as found; None where that is unsure.
        obscured: a contact is written so that machines miss it.
        truncated: the text was cut.
        incomplete: why the model should not judge the ad, so that a person has to: `unreadable`,
            `too_short` or `language`; None where it may, or where the ad escalates.
        escalated: indicators it shows that are always looked at first, whatever the risk.
        evidence: None where the ad was not explained.
    """

    ad_id: str
    risk: float
    level: int
    indicators: Mapping[str, float]
    language: str | None
    obscured: bool
    truncated: bool
    incomplete: str | None
    escalated: tuple[str, ...]
    evidence: tuple[Evidence, ...] | None


@dataclass(frozen=True, slots=True, repr=False)
class Scores(ScoreTable):
    """The scores of n ads by one model version.

    Attributes:
        table: the columns of `adrisk.schema.scores`, as the command writes them.
        apart: `escalate` and `incomplete` of each ad, as in `apart.parquet`, but that an ad which
            escalates is not incomplete.
        rows: shape (n,), the place of each ad among the rows given, from 0.
        rejected: rows that cannot be ads, as in `quarantine.jsonl`; they have no score.
        model: that scored.
        policy: that flags are made by where no other is given.
    """

    apart: pa.Table
    rows: IntArray
    rejected: tuple[Quarantined, ...]
    model: Model
    policy: PolicyConfig
    _part: PartBuffer

    def to_arrow(self) -> pa.Table:
        """The table, with the columns `escalate` and `incomplete` behind the others."""
        table = self.table
        for name in self.apart.column_names:
            table = table.append_column(name, self.apart[name])
        return table

    def to_pandas(self) -> pd.DataFrame:
        """`to_arrow` as a data frame.

        Raises:
            MissingExtraError: if pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("pandas", "pandas", "Scores.to_pandas()") from error
        return self.to_arrow().to_pandas()

    def flags(self, policy: PolicyConfig | None = None) -> pa.Table:
        """Level, reasons and rank of each ad, as `flags.parquet` of the command has them.

        The ads are linked into campaigns for it, so a rank is that of a campaign among all ads
        that were scored together. What linking needs passes through a temporary folder that only
        its owner can read: contacts as pseudonyms under a key that is forgotten, and no text.

        Args:
            policy: thresholds and capacity; that of `score` if left out.

        Returns:
            One row an ad (`adrisk.schema.FLAGS`), in the order of the scores.

        Raises:
            ModelError: if the policy leaves the threshold to the model, and it has none for it.
        """
        settled = resolve_policy(policy or self.policy, self.model)
        if not len(self):
            return schema.FLAGS.empty_table()
        with tempfile.TemporaryDirectory(prefix="adrisk-") as scratch:
            folder = RunFolder(Path(scratch))
            write_part(folder, 0, self._part)
            flag_parts(folder, self.model, settled)
            return pq.read_table(folder.flags, memory_map=False)

    def __iter__(self) -> Iterator[AdScore]:
        """The ads one by one."""
        for batch in self.to_arrow().to_batches(max_chunksize=_AT_ONCE):
            yield from (_ad_score(row, self.labels) for row in batch.to_pylist())

    def __repr__(self) -> str:
        """Counts and the first rows; no word of an ad."""
        lines = [f"{len(self):,} ads scored by {self.model.manifest.name} {self.model.version}"]
        if self.rejected:
            lines[0] += f"; {len(self.rejected):,} rejected, see .rejected"
        if len(self):
            levels = Counter(self.table["level"].to_numpy().tolist())
            counted = ", ".join(f"{levels[level]:,} of level {level}" for level in sorted(levels))
            risk = self.risk
            lines.append(
                f"{counted}; risk {np.median(risk):.3f} in the median, {risk.max():.3f} at most"
            )
            incomplete = len(self) - self.apart["incomplete"].null_count
            lines.append(f"{incomplete:,} incomplete (not to be judged by their score)")
        shown = self.to_arrow().select(["ad_id", "risk", "level", "language", "incomplete"])
        lines += map(_line, shown.slice(0, _SHOWN).to_pylist())
        if len(self) > _SHOWN:
            lines.append("  ...")
        return "\n".join(lines)


def _ad_score(row: Mapping[str, Any], labels: Sequence[str]) -> AdScore:
    evidence = row["evidence"]
    return AdScore(
        ad_id=row["ad_id"],
        risk=row["risk"],
        level=row["level"],
        indicators={label: row[f"p_{label}"] for label in labels},
        language=row["language"],
        obscured=row["obscured"],
        truncated=row["truncated"],
        incomplete=row["incomplete"],
        escalated=tuple(row["escalate"]),
        evidence=None if evidence is None else tuple(Evidence(**found) for found in evidence),
    )


def _line(ad: Mapping[str, Any]) -> str:
    line = (
        f"  {visible(ad['ad_id'][:_ID_SHOWN]):{_ID_SHOWN}}  risk {ad['risk']:.3f}  "
        f"level {ad['level']}  {ad['language'] or '-':3} {ad['incomplete'] or ''}"
    )
    return line.rstrip()
