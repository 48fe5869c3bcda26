"""Contacts of many ads: Arrow decides which ads Python needs to read at all.

Most ads have no contact. Those with a run of figures or number words (`adrisk.extract.runs`), an @,
an ending like ".org" or the name of a messenger (one RE2 expression) are read one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.extract.addresses import ENDINGS, SPELLED_HINT
from adrisk.extract.find import find_in
from adrisk.extract.runs import phone_runs
from adrisk.extract.tokens import Tokens
from adrisk.normalise import fold_column
from adrisk.types import Contact

_ADDRESS = (
    rf"@|://|www\.|\.(?:{ENDINGS})(?:$|[^\pL\pN])|arroba|arobase"
    r"|[(\[{<*_-] ?(?:at|dot|punto|ponto|point) ?[)\]}>*_-]"
    rf"|\s(?:dot|punto|ponto|point) +(?:{ENDINGS})(?:$|[^\pL\pN])"
)
_APP = (
    r"whats|wsp|wpp|telegr|telega|телегр|тг|\btg\b|\bline\b|ไลน์|we ?chat|weixin|微信|薇信|\b[vw]x\b"
    r"|signal|viber|вайбер|snap|insta|\big\b|\bkik\b|skype|threema"
)


def find_contacts(raw: str, region: str | None = None) -> list[Contact]:
    """Phones, e-mails, messaging handles and links of an ad, in order, without overlaps.

    Args:
        raw: the ad as it was written.
        region: two letters; where a phone without a country code is likely from. Without it, and
            where it does not fit, the likeliest of a few regions is taken.

    Returns:
        Contacts whose span is exactly what was written. Phones are in E.164 form, or as they
        stand if written without their area code.

    >>> [(c.kind, c.value, c.obscured) for c in find_contacts("call 2O2 five five 5 - 0 1 4 3")]
    [('phone', '+12025550143', True)]
    """
    column = pa.array([raw], pa.large_string())
    return contacts_column(column, fold_column(column), [region])[0]


def contacts_column(
    raw: pa.Array | pa.ChunkedArray,
    folded: pa.Array | pa.ChunkedArray,
    regions: Sequence[str | None] | None = None,
    *,
    tokens: Iterable[Tokens] | None = None,
) -> list[list[Contact]]:
    """`find_contacts` of every ad.

    Args:
        raw: n ad texts, without nulls.
        folded: the same texts from `adrisk.normalise.fold_column`.
        regions: for each ad, where its phones are likely from; None where unknown.
        tokens: `adrisk.extract.tokens.tokenise(folded)`, if the caller has it already.

    Returns:
        n lists, most of them empty.
    """
    if len(raw) != len(folded) or (regions is not None and len(regions) != len(raw)):
        raise ValueError(
            f"expected as many raw texts, folded texts and regions, got {len(raw)}, {len(folded)}"
            + ("" if regions is None else f" and {len(regions)}")
        )
    contacts: list[list[Contact]] = [[] for _ in range(len(raw))]
    known = regions is not None and any(regions)
    phones = phone_runs(folded, tokens, short=known)
    app = _matches(folded, _APP)
    address = app | _matches(folded, _ADDRESS)
    either = address.copy()
    either[list(phones)] = True
    rows = np.flatnonzero(either)
    picked = pa.array(rows)
    raw, folded = raw.take(picked), folded.take(picked)
    spelled = _matches(folded, SPELLED_HINT).tolist()
    texts = zip(rows.tolist(), raw.to_pylist(), folded.to_pylist(), spelled, strict=True)
    for row, raw_text, folded_text, is_spelled in texts:
        contacts[row] = find_in(
            raw_text,
            folded_text,
            regions[row] if regions is not None else None,
            phones=phones.get(row),
            addresses=bool(address[row]),
            handles=bool(app[row]),
            spelled=is_spelled,
        )
    return contacts


def obscured_column(
    raw: pa.Array | pa.ChunkedArray, folded: pa.Array | pa.ChunkedArray
) -> NDArray[np.bool_]:
    """Whether each ad has a contact that is written so that machines miss it."""
    return np.fromiter(
        (any(contact.obscured for contact in found) for found in contacts_column(raw, folded)),
        dtype=np.bool_,
        count=len(raw),
    )


def _matches(texts: pa.Array | pa.ChunkedArray, pattern: str) -> NDArray[np.bool_]:
    found = pc.match_substring_regex(texts, pattern)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)
