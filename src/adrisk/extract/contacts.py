"""Contacts of ads: phones, e-mails, messaging handles and links, as spans of the raw text.

In: raw and folded texts. Out: `Contact`s, and texts in which placeholders replace contacts, for
models: a model may learn that an ad has a phone, but not which, as a model folder must not reveal
contacts of training ads. `contact_spans` finds the contacts in folded texts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.extract.contact_spans import Block, Span
from adrisk.text.arrow import as_large_strings, row_groups, string_buffers
from adrisk.text.normalise import fold_column, offset_map
from adrisk.types import ArrowArray, ArrowValues, Contact

# Bytes of text at once: small enough for the cache, large enough to repay compiling RE2 patterns.
_BLOCK_BYTES = 1 << 22

PLACEHOLDERS = {"phone": "[phone]", "email": "[mail]", "handle": "[id]", "link": "[link]"}
"""In brackets, so that "phone", the word, is another feature."""

# Han, kana, bopomofo, Hangul and Yi, which usually have wide figures too; not emoji.
_WIDE_SCRIPT = re.compile(
    "[\u1100-\u115f\u2e80-\u2fdf\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003fffd]"
)


def find_contacts(raw: str, region: str | None = None) -> list[Contact]:
    """Phones, e-mails, messaging handles and links of an ad, in order, without overlaps.

    Args:
        raw: the raw text.
        region: two letters; the likely country of a phone without a country code
            (`adrisk.extract.places.guess_region`). Without it, or if the number is not valid
            there, the likeliest of a few regions is used.

    Returns:
        Contacts with their exact spans. Phones are in E.164 form, or unchanged if written without
        their area code.

    >>> [(c.kind, c.value, c.obscured) for c in find_contacts("call 2O2 five five 5 - 0 1 4 3")]
    [('phone', '+12025550143', True)]
    """
    column = pa.array([_encodable(raw)], pa.large_string())
    return contacts_column(column, fold_column(column), [region])[0]


def contacts_column(
    raw: ArrowValues,
    folded: ArrowValues,
    regions: Sequence[str | None] | None = None,
) -> list[list[Contact]]:
    """`find_contacts` of every ad.

    Args:
        raw: n ad texts, without nulls.
        folded: the same texts from `adrisk.text.normalise.fold_column`.
        regions: for each ad, the likely country of its phones; None where unknown.

    Returns:
        n lists, most of them empty.
    """
    contacts: list[list[Contact]] = [[] for _ in range(len(raw))]
    for first, block in _blocks(raw, folded, regions):
        for row, spans in block.spans():
            contacts[first + row] = _contacts(block, row, spans)
    return contacts


def masked_column(
    raw: ArrowValues,
    folded: ArrowValues,
    regions: Sequence[str | None] | None = None,
) -> tuple[list[list[Contact]], ArrowArray]:
    """`contacts_column`, and the folded texts with placeholders for their contacts.

    Returns:
        n lists, and n texts of as many characters as the folded ones.
    """
    folded = as_large_strings(folded)
    contacts: list[list[Contact]] = [[] for _ in range(len(raw))]
    rows: list[int] = []
    texts: list[str] = []
    for first, block in _blocks(raw, folded, regions):
        for row, spans in block.spans():
            contacts[first + row] = _contacts(block, row, spans)
            rows.append(first + row)
            texts.append(masked(block.text(row), spans))
    if not rows:
        return contacts, folded
    replaced = np.zeros(len(folded), dtype=np.bool_)
    replaced[rows] = True
    values = pa.array(texts, pa.large_string())
    return contacts, pc.replace_with_mask(folded, pa.array(replaced), values)


def _blocks(
    raw: ArrowValues,
    folded: ArrowValues,
    regions: Sequence[str | None] | None,
) -> Iterator[tuple[int, Block]]:
    """The ads in blocks, each with its first row."""
    if len(raw) != len(folded) or (regions is not None and len(regions) != len(raw)):
        raise ValueError(
            f"expected as many raw texts, folded texts and regions, got {len(raw)}, {len(folded)}"
            + ("" if regions is None else f" and {len(regions)}")
        )
    raw, folded = as_large_strings(raw), as_large_strings(folded)
    for first, end in row_groups(string_buffers(folded)[0], _BLOCK_BYTES):
        rows = end - first
        own = regions[first:end] if regions is not None else None
        yield first, Block(raw.slice(first, rows), folded.slice(first, rows), own)


def obscured_ads(contacts: Sequence[Sequence[Contact]]) -> NDArray[np.bool_]:
    """Whether each ad has an obscured contact, given the contacts of each ad."""
    return np.array([any(contact.obscured for contact in own) for own in contacts], np.bool_)


def _contacts(block: Block, row: int, spans: list[Span]) -> list[Contact]:
    """The contacts at some spans of an ad's folded text, as spans of its raw text."""
    if block.lowered[row]:
        return [Contact(*span) for span in spans]
    raw, folded = str(block.raw[row]), block.text(row)
    raw_span = offset_map(raw, folded)
    contacts = []
    for kind, start, end, value, is_spelled in spans:
        first, last = raw_span(start, end)
        hidden = is_spelled or _disguised(raw[first:last], folded[start:end], folded)
        contacts.append(Contact(kind, first, last, value, hidden))
    return contacts


def _disguised(written: str, folded: str, text: str) -> bool:
    """Whether folding changed more than capitals, and more than wide forms in a wide script."""
    lowered = written.lower()
    if lowered == folded:
        return False
    wide = unicodedata.normalize("NFKC", lowered) == folded and all(
        c.isascii() or unicodedata.east_asian_width(c) == "F" for c in lowered
    )
    return not (wide and _WIDE_SCRIPT.search(text))


def masked(folded: str, spans: Iterable[Span]) -> str:
    """The text with a placeholder for each span, cut or filled with blanks to its length.

    >>> masked("call 202 555 0143 or x@y.eu now", [("phone", 5, 17, "", False),
    ...                                            ("email", 21, 27, "", False)])
    'call [phone]      or [mail] now'
    """
    pieces: list[str] = []
    done = 0
    for kind, start, end, _, _ in spans:
        first = max(start, done)
        if first < end:
            room = end - first
            pieces += [folded[done:first], PLACEHOLDERS[kind][:room].ljust(room)]
            done = end
    return "".join([*pieces, folded[done:]])


def _encodable(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot hold, replaced one for one."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text
