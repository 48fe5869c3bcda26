"""What the rules find in many ads, as columns: for classifiers, which ask it of every ad.

In: raw ads, their folded texts and languages. Out: `Findings`, which are those of `match` with
places in the folded text; rule and raw span are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.indicators.overlap import settled
from adrisk.indicators.places import Places
from adrisk.indicators.reader import FOUND, Reader, Spoken, readings
from adrisk.indicators.taxonomy import load_taxonomy
from adrisk.types import IntArray, State


@dataclass(frozen=True, slots=True)
class Findings:
    """Findings of many ads, in order of the ads and, within one, of their places.

    Attributes:
        ad: number of the ad, shape (m,).
        indicator: its place in the taxonomy's `text_ids`, shape (m,).
        present: whether the ad says so, or else the opposite, shape (m,).
        start: first character in the folded text, shape (m,).
        end: the one behind the last, shape (m,).
    """

    ad: IntArray
    indicator: NDArray[np.int16]
    present: NDArray[np.bool_]
    start: NDArray[np.int32]
    end: NDArray[np.int32]


def find_all(raw: Sequence[str], folded: pa.Array, languages: Sequence[str | None]) -> Findings:
    """The findings of `match` in every ad, many times as fast.

    Args:
        raw: the ads as they came.
        folded: `fold_column` of them.
        languages: as `match` takes them.

    >>> from adrisk.normalise import fold_column
    >>> ads = ["We keep your passport. Take your time.", "Hello"]
    >>> found = find_all(ads, fold_column(pa.array(ads)), ["en", "en"])
    >>> ads[0][found.start[0] : found.end[0]], found.present.tolist()
    ('We keep your passport', [True, False])

    Raises:
        ValueError: if there are not as many of each.
    """
    if not len(raw) == len(folded) == len(languages):
        raise ValueError(
            f"{len(raw)} texts need as many folded ones and languages, "
            f"got {len(folded)} and {len(languages)}"
        )
    texts = folded.to_pylist()
    parts = [
        _Part(reader, rows, spoken, raw) for reader, rows, spoken in readings(texts, languages)
    ]
    places = _AllPlaces(raw, texts)
    alone = _alone(parts, places, len(raw))
    blocks = [part.kept(~alone) for part in parts]
    blocks.append(_settled_alone(parts, alone, places))
    found = np.concatenate(blocks)
    found = found[np.argsort(found["ad"], kind="stable")]
    return Findings(
        *(
            np.ascontiguousarray(found[name])
            for name in ("ad", "indicator", "present", "start", "end")
        )
    )


_FOUND = np.dtype([("ad", "<i8"), *FOUND.descr])


class _AllPlaces:
    """The places of many ads, made for those asked about."""

    def __init__(self, raw: Sequence[str], folded: Sequence[str]) -> None:
        self._raw, self._folded = raw, folded
        self._made: dict[int, Places] = {}

    def __getitem__(self, ad: int) -> Places:
        if ad not in self._made:
            self._made[ad] = Places(self._raw[ad], self._folded[ad])
        return self._made[ad]


class _Part:
    """What one reader finds in its ads."""

    def __init__(self, reader: Reader, rows: IntArray, spoken: Spoken, raw: Sequence[str]) -> None:
        self.spoken = spoken
        self.on_raw = {row: hits for row in rows.tolist() if (hits := reader.on_raw(raw[row]))}

    def kept(self, wanted: NDArray[np.bool_]) -> NDArray[np.void]:
        """What each sentence of these ads keeps, if nothing but the sentence has a say in it."""
        here = np.flatnonzero(wanted[self.spoken.ad])
        rows = [self.spoken.said[number].kept for number in here.tolist()]
        count = np.fromiter(map(len, rows), np.int64, len(rows)) // FOUND.itemsize
        packed = np.frombuffer(b"".join(rows), FOUND)
        begin = np.repeat(self.spoken.start[here], count)
        found = np.empty(len(packed), _FOUND)
        found["ad"] = np.repeat(self.spoken.ad[here], count)
        found["indicator"], found["present"] = packed["indicator"], packed["present"]
        found["start"], found["end"] = packed["start"] + begin, packed["end"] + begin
        return found


def _alone(parts: Sequence[_Part], places: _AllPlaces, ads: int) -> NDArray[np.bool_]:
    """The ads in which more than single sentences has a say in what counts.

    That are a notice, a finding in the raw text, rules of two languages, and two hits at one place
    where a raw span may be longer or shorter than the folded one.
    """
    alone = np.zeros(ads, dtype=np.bool_)
    reader = np.full(ads, -1)
    for number, part in enumerate(parts):
        ad = part.spoken.ad
        alone[ad[(reader[ad] >= 0) & (reader[ad] != number)]] = True
        reader[ad] = number
        alone[list(part.on_raw)] = True
        for row, said in zip(ad.tolist(), part.spoken.said, strict=True):
            if said.notices or (said.contested and not places[row].same):
                alone[row] = True
    return alone


class _Placed(NamedTuple):
    """A finding in the raw text, where overlaps are settled, and its folded span."""

    indicator: str
    state: State
    start: int
    end: int
    folded: tuple[int, int]


def _settled_alone(
    parts: Sequence[_Part], alone: NDArray[np.bool_], places: _AllPlaces
) -> NDArray[np.void]:
    """The findings of these ads, each settled as a whole."""
    found: dict[int, list[_Placed]] = defaultdict(list)
    for part in parts:
        for ad, hits in part.spoken.of(alone).by_ad():
            found[ad] += [
                _Placed(h.indicator, h.state, *places[ad].raw(h.start, h.end), (h.start, h.end))
                for h in hits
            ]
        for ad, hits in part.on_raw.items():
            found[ad] += [
                _Placed(h.indicator, h.state, h.start, h.end, places[ad].folded(h.start, h.end))
                for h in hits
            ]
    numbers = {name: number for number, name in enumerate(load_taxonomy().text_ids)}
    rows = [
        (ad, numbers[f.indicator], f.state is State.PRESENT, *f.folded)
        for ad, of_ad in found.items()
        for f in settled(of_ad)
    ]
    return np.array(rows, _FOUND)
