"""The different texts of a batch: nine ads in ten are copies, and one answer serves them all.

In: ads. Out: their wordings, in the order of the first ads that have them. The same words may mean
another phone in another region and something else in another language: they are another wording.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from adrisk.extract.places import guess_regions
from adrisk.types import IntArray


@dataclass(frozen=True, slots=True)
class Wordings:
    """The k wordings of n ads.

    Attributes:
        number: shape (n,), that of the wording of each ad, 0 to k - 1.
        texts: of the k wordings.
        regions: where the phones in each are likely from; None where nobody knows.
        languages: of each; None where nobody knows.
        digests: SHA-256 of each text, in hexadecimal.
        keys: one for each wording, and for no other.
    """

    number: IntArray
    texts: pa.Array
    regions: list[str | None]
    languages: list[str | None]
    digests: list[str]
    keys: list[bytes]


def wordings(ads: pa.Table) -> Wordings:
    """The wordings of ads; `text`, `location` and `language` are read."""
    text = ads["text"].combine_chunks().dictionary_encode()
    languages, language = _coded(ads["language"])
    places, place = _coded(ads["location"])
    pairs, pair = np.unique(place * len(languages) + language, return_inverse=True)
    at, within = np.divmod(pairs, len(languages))
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

    made = [hashlib.sha256(words.encode()) for words in text.dictionary.to_pylist()]
    digests = [made[code] for code in written[first].tolist()]
    its_region = [regions[code] for code in region[first].tolist()]
    its_language = [languages[code] for code in language[first].tolist()]
    return Wordings(
        place_of[of],
        text.dictionary.take(pa.array(written[first])),
        its_region,
        its_language,
        [digest.hexdigest() for digest in digests],
        [
            digest.digest() + f"{region} {language}".encode()
            for digest, region, language in zip(digests, its_region, its_language, strict=True)
        ],
    )


def _coded(column: pa.ChunkedArray) -> tuple[list[str | None], IntArray]:
    """The different values of a column, null among them, and the place of each row's there."""
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)
