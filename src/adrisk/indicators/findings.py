"""What the evidence rules find in many ads, as numbers: for features, and for what escalates.

In: raw and folded texts with their languages. Out: `Findings`, one entry a finding, in the places
of the folded text. The same findings as `match`'s, which gives them as evidence in the raw text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.indicators.extension import platform_file
from adrisk.indicators.languages import LANGUAGES
from adrisk.indicators.rules import match_column
from adrisk.indicators.taxonomy import load_taxonomy
from adrisk.normalise import fold
from adrisk.types import IntArray, State


@dataclass(frozen=True, slots=True)
class Findings:
    """m findings in n ads, ordered by ad.

    Attributes:
        ads: n.
        ad: shape (m,), the ad's row, 0 to n - 1.
        indicator: shape (m,), place in `Taxonomy.text_ids`.
        present: shape (m,), False where the ad says the opposite.
        start, end: shape (m,), characters of the folded text, half-open.
    """

    ads: int
    ad: NDArray[np.int64]
    indicator: NDArray[np.int16]
    present: NDArray[np.bool_]
    start: NDArray[np.int32]
    end: NDArray[np.int32]

    def take(self, rows: IntArray) -> Findings:
        """The findings of some ads, in their order; a row may come twice."""
        rows = np.asarray(rows, dtype=np.int64)
        first = np.searchsorted(self.ad, rows)
        count = np.searchsorted(self.ad, rows, side="right") - first
        ad = np.repeat(np.arange(len(rows)), count)
        at = (
            np.repeat(first, count)
            + np.arange(len(ad))
            - np.repeat(np.cumsum(count) - count, count)
        )
        return Findings(
            len(rows), ad, self.indicator[at], self.present[at], self.start[at], self.end[at]
        )

    def states(self, indicators: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether each ad shows each of so many indicators, and whether it says the opposite.

        Two arrays of shape (n, indicators); neither is set where an ad states nothing.
        """
        found = np.zeros((2, self.ads, indicators), dtype=np.bool_)
        found[(~self.present).astype(np.int64), self.ad, self.indicator] = True
        return found[0], found[1]


def find_all(raw: Sequence[str], folded: pa.Array, languages: Sequence[str | None]) -> Findings:
    """The findings in n ads.

    Args:
        raw: n texts as they came.
        folded: the same, folded.
        languages: of each; with None, or one without rules, the rules of all are tried.

    Raises:
        ValueError: if the three are not of one length.
    """
    if not len(raw) == len(folded) == len(languages):
        raise ValueError(
            f"{len(raw)} texts need as many folded ones and languages, got {len(folded)} and "
            f"{len(languages)}"
        )
    place = {name: at for at, name in enumerate(load_taxonomy().text_ids)}
    rows: list[tuple[int, int, bool, int, int]] = []
    for ad, evidence in enumerate(match_column(raw, languages)):
        if not evidence:
            continue
        way = fold(raw[ad])
        for found in evidence:
            span = way.find(found.start), way.find(found.end - 1) + 1
            rows.append((ad, place[found.indicator], found.state is State.PRESENT, *span))
    columns = np.fromiter(chain.from_iterable(rows), np.int64, 5 * len(rows)).reshape(-1, 5).T
    return Findings(
        ads=len(raw),
        ad=columns[0].copy(),
        indicator=columns[1].astype(np.int16),
        present=columns[2].astype(np.bool_),
        start=columns[3].astype(np.int32),
        end=columns[4].astype(np.int32),
    )


def rules_fingerprint() -> str:
    """SHA-256 over the taxonomy, the rules of every language and the platform's file, if any."""
    return _fingerprint(platform_file())


@lru_cache(maxsize=8)
def _fingerprint(platform: Path | None) -> str:
    here = Path(__file__).parent
    digest = hashlib.sha256()
    files = [here / "taxonomy.yaml", *(here / "rules" / f"{code}.yaml" for code in LANGUAGES)]
    for path in [*files, *([platform] if platform else [])]:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
