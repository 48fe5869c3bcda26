"""Text from outside as a terminal or a Markdown page may show it: shown, never obeyed.

File names, ids, sources and model names come from elsewhere. One that holds an escape sequence, a
line break or a mark that reorders text must not steer the terminal it is printed on, nor look like
a line of ours; in Markdown it can neither end a table cell nor become a link, an image or HTML.
"""

from __future__ import annotations

import re

_ACTIVE = re.compile(r"[\\`*\[\]<>|~#&!$@{}]|(?<=:)/(?=/)|(?<=[wW])\.|(?<!\w)_|_(?!\w)")
"""What GitHub's Markdown gives a meaning inside a line; `_` only at the edge of a word."""

_AS_ENTITY = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def safe(text: str) -> str:
    r"""Text of several lines, with whatever is invisible written out.

    >>> safe("red \x1b[31m, reversed \u202e")
    'red \\u001b[31m, reversed \\u202e'
    """
    if text.isprintable():
        return text
    return "".join(c if c == "\n" or c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def one_line(text: object) -> str:
    r"""The same for a text that is one line, such as a message: line breaks are written out too.

    >>> one_line("a\nb")
    'a\\u000ab'
    """
    return safe(str(text)).replace("\n", "\\u000a")


def plain(text: object) -> str:
    """Foreign text for a sentence or a table cell, on one line.

    >>> plain("a|b <i>")
    'a\\\\|b &lt;i&gt;'
    """
    line = " ".join(str(text).split())
    shown = "".join(c if c.isprintable() else f"(U+{ord(c):04X})" for c in line)
    return _ACTIVE.sub(lambda found: _AS_ENTITY.get(found[0], "\\" + found[0]), shown)


def code(text: object) -> str:
    """The same in a code span, where nothing in it needs escaping.

    >>> code("ngram"), code("a|b")
    ('`ngram`', 'a\\\\|b')
    """
    shown = plain(text)
    return f"`{shown}`" if shown == str(text) else shown
