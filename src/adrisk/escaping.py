"""Escaping of text from outside for terminals, log lines and Markdown.

File names, ids, sources and model names may hold escape sequences, line breaks or characters that
reorder text. Escaped, they cannot steer a terminal or imitate a line of adrisk; in Markdown they
cannot end a table cell or become a link, an image or HTML.
"""

from __future__ import annotations

import re

_ACTIVE = re.compile(r"[\\`*\[\]<>|~#&!$@{}]|(?<=:)/(?=/)|(?<=[wW])\.|(?<!\w)_|_(?!\w)")
"""Characters with a meaning inside a line of GitHub's Markdown; `_` only at the edge of a word."""

_AS_ENTITY = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def safe(text: str) -> str:
    r"""Text of several lines, with invisible characters written out.

    >>> safe("red \x1b[31m, reversed \u202e")
    'red \\u001b[31m, reversed \\u202e'
    """
    if text.isprintable():
        return text
    return "".join(c if c == "\n" or c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def one_line(text: object) -> str:
    r"""Text of one line, with invisible characters and line breaks written out.

    >>> one_line("a\nb")
    'a\\u000ab'
    """
    return safe(str(text)).replace("\n", "\\u000a")


def plain(text: object) -> str:
    """Text for a Markdown sentence or table cell, escaped and on one line.

    >>> plain("a|b <i>")
    'a\\\\|b &lt;i&gt;'
    """
    line = " ".join(str(text).split())
    shown = "".join(c if c.isprintable() else f"(U+{ord(c):04X})" for c in line)
    return _ACTIVE.sub(lambda match: _AS_ENTITY.get(match[0], "\\" + match[0]), shown)


def code(text: object) -> str:
    """Text as a Markdown code span, or escaped if it needs escaping.

    >>> code("ngram"), code("a|b")
    ('`ngram`', 'a\\\\|b')
    """
    shown = plain(text)
    return f"`{shown}`" if shown == str(text) else shown
