"""Text from outside as a terminal may show it: controls and direction marks are shown, not obeyed.

File names, ids, sources and model names come from elsewhere. One that holds an escape sequence, a
line break or a mark that reorders text must not steer the terminal it is printed on, nor look like
a line of ours.
"""

from __future__ import annotations


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
