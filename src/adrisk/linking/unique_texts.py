"""Exact de-duplication of ads: nine in ten are copies, and each unique text is read once.

In: ads. Out: their unique texts, in the order of the first ads that have them. Equal words in
another region (phones are read otherwise) or language (rules differ) are another text.
`TextNumbers` numbers unique texts through many batches.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.extract.places import guess_regions
from adrisk.text.arrow import text_list
from adrisk.types import ArrowArray, IntArray


@dataclass(frozen=True, slots=True)
class UniqueTexts:
    """The k unique texts of n ads.

    Attributes:
        number: shape (n,), that of the text of each ad, 0 to k - 1.
        texts: the k texts.
        regions: where the phones in each are likely from; None where unknown.
        languages: of each; None where unknown.
        digests: SHA-256 of each, in hexadecimal.
        keys: one for each unique text, and for no other.
    """

    number: IntArray
    texts: ArrowArray
    regions: list[str | None]
    languages: list[str | None]
    digests: list[str]
    keys: list[bytes]


def unique_texts(ads: pa.Table) -> UniqueTexts:
    """The unique texts of ads; `text`, and where there, `location` and `language` are read."""
    text = ads["text"].combine_chunks().dictionary_encode()
    languages, language = _coded(ads, "language")
    places, place = _coded(ads, "location")
    pairs, pair = np.unique(place * len(languages) + language, return_inverse=True)
    at, within = np.divmod(pairs, max(len(languages), 1))
    guessed = guess_regions(
        [places[code] for code in at.tolist()], [languages[code] for code in within.tolist()]
    )
    numbers = {region: number for number, region in enumerate(dict.fromkeys(guessed))}
    region = np.array([numbers[name] for name in guessed], dtype=np.int64)[pair]
    regions = list(numbers)

    written = text.indices.to_numpy().astype(np.int64)
    codes = (written * len(regions) + region) * len(languages) + language
    _, first, of = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place_of = np.empty_like(order)
    place_of[order] = np.arange(len(order))
    first = first[order]

    hashed = [hashlib.sha256(words.encode()) for words in text_list(text.dictionary)]
    digests = [hashed[code] for code in written[first].tolist()]
    its_region = [regions[code] for code in region[first].tolist()]
    its_language = [languages[code] for code in language[first].tolist()]
    return UniqueTexts(
        place_of[of],
        text.dictionary.take(written[first]),
        its_region,
        its_language,
        [digest.hexdigest() for digest in digests],
        [
            digest.digest() + f"{region} {language}".encode()
            for digest, region, language in zip(digests, its_region, its_language, strict=True)
        ],
    )


def _coded(ads: pa.Table, name: str) -> tuple[list[str | None], IntArray]:
    """The distinct values of a column, null included, and the code of each row."""
    if name not in ads.column_names:
        return [None], np.zeros(len(ads), dtype=np.int64)
    coded = ads[name].combine_chunks().dictionary_encode(null_encoding="encode")
    return coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)


class TextNumbers:
    """Numbers of the unique texts of many batches, in order of arrival, by 128-bit digests.

    Signatures do not depend on the language, so languages are ignored here.
    """

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, found: UniqueTexts) -> tuple[IntArray, NDArray[np.intp]]:
        """The number of each ad's text, and which of the batch's unique texts are new, in order."""
        numbers, seen = self._numbers, len(self._numbers)
        keys = (
            hashlib.blake2b(f"{digest} {region}".encode(), digest_size=16).digest()
            for digest, region in zip(found.digests, found.regions, strict=True)
        )
        of_text = np.fromiter(
            (numbers.setdefault(key, len(numbers)) for key in keys), np.int64, len(found.digests)
        )
        number, first = np.unique(of_text, return_index=True)
        return of_text[found.number], first[number >= seen]
