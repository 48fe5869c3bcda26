"""Which ads escalate or should not be judged: noted while scoring, kept as `apart.parquet`.

One row for such an ad and none for the others, so that a policy can be applied again later.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk import schema
from adrisk.files import replacing
from adrisk.policy.abstention import Unjudged
from adrisk.policy.queue import Apart
from adrisk.rules.taxonomy import load_taxonomy
from adrisk.stages.kept import APART, WORK, part_files

APART_FILE = "apart.parquet"


@dataclass(frozen=True, slots=True)
class Noted:
    """What was noted of the n ads of a scored folder.

    Attributes:
        escalate: the escalating indicators of the ads that show any, by row.
        incomplete: shape (n,), `Unjudged`.
    """

    escalate: dict[int, tuple[str, ...]]
    incomplete: NDArray[np.int8]

    @property
    def apart(self) -> Apart:
        """In the form a policy takes."""
        escalated = np.zeros(len(self.incomplete), dtype=np.bool_)
        escalated[list(self.escalate)] = True
        return Apart(escalated, (self.incomplete > 0) & ~escalated)


def write_apart(out: Path) -> Noted:
    """Put together what the parts noted, in `.work`, and write it beside the scores."""
    names = load_taxonomy().escalating
    ids, rows, escalate, incomplete = [], [], [], []
    count = 0
    for path in part_files(out):
        found = pq.read_table((out / WORK / path.stem).with_suffix(".apart"), schema=APART)
        ads = pq.read_table(path, columns=["ad_id"])["ad_id"]
        ids += ads.take(found["row"]).to_pylist()
        rows += (found["row"].to_numpy() + count).tolist()
        escalate += [
            tuple(name for i, name in enumerate(names) if bits >> i & 1)
            for bits in found["escalate"].to_pylist()
        ]
        incomplete += found["incomplete"].to_pylist()
        count += len(ads)
    table = pa.table(
        {
            "ad_id": pa.array(ids, pa.string()),
            "escalate": pa.array(escalate, pa.list_(pa.string())),
            "incomplete": pa.array(
                [Unjudged(code).name.lower() if code else None for code in incomplete], pa.string()
            ),
        },
        schema=schema.APART,
    )
    with replacing(out / APART_FILE) as draft:
        pq.write_table(table, draft, compression="zstd")
    return _noted(rows, escalate, incomplete, count)


def read_apart(folder: Path, ids: pa.ChunkedArray) -> Noted:
    """What was noted of these ads, in their order; nothing in a folder of an older adrisk."""
    path = folder / APART_FILE
    if not path.is_file():
        return _noted([], [], [], len(ids))
    table = pq.read_table(path, schema=schema.APART)
    place = {ad_id: row for row, ad_id in enumerate(ids.to_pylist())} if len(table) else {}
    rows = [place[ad_id] for ad_id in table["ad_id"].to_pylist()]
    codes = [Unjudged[name.upper()] if name else 0 for name in table["incomplete"].to_pylist()]
    return _noted(rows, [tuple(names) for names in table["escalate"].to_pylist()], codes, len(ids))


def _noted(
    rows: list[int], escalate: list[tuple[str, ...]], incomplete: list[int], count: int
) -> Noted:
    codes = np.zeros(count, dtype=np.int8)
    codes[rows] = incomplete
    return Noted({row: names for row, names in zip(rows, escalate, strict=True) if names}, codes)
