"""Placeholders for contacts: what a model reads in place of a phone, an address, a handle, a link.

In: a folded text and the spans of its contacts. Out: the text, as long as before, with the kind of
each contact in its place and no letter or figure of it. That an ad names a phone may be learned,
which phone may not: a model folder must not give away the contacts of the ads it learned from.
"""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[str, int, int, str, bool]
"""Kind, start, end, value and whether it is spelled unusually, in the folded text."""

PLACEHOLDERS = {"phone": "[phone]", "email": "[mail]", "handle": "[id]", "link": "[link]"}
"""In brackets, so that "phone", the word, is another feature."""


def masked(folded: str, spans: Iterable[Span]) -> str:
    """The text with a placeholder for each contact, cut or filled with blanks to its length.

    >>> masked("call 202 555 0143 or x@y.eu now", [("phone", 5, 17, "", False),
    ...                                            ("email", 21, 27, "", False)])
    'call [phone]      or [mail] now'
    """
    pieces: list[str] = []
    done = 0
    for kind, start, end, _, _ in sorted(spans, key=lambda span: span[1]):
        first = max(start, done)
        if first < end:
            room = end - first
            pieces += [folded[done:first], PLACEHOLDERS[kind][:room].ljust(room)]
            done = end
    return "".join([*pieces, folded[done:]])
