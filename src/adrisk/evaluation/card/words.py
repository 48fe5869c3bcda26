"""What several parts of the card say in the same words: languages, slices, whose labels these are.

In: names and the manifest. Out: words that are safe in a table cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adrisk.evaluation.markdown import plain
from adrisk.report.render import LANGUAGE_NAMES

Content = Mapping[str, Any]

SLICES = {"language": "language", "kind": "kind of ad", "length": "characters"}
"""The slices of the report set that the card shows, in words."""


def language(name: str) -> str:
    """A language by its English name; one that has none here, as it is written."""
    return LANGUAGE_NAMES.get(name, plain(name))


def member(of: str, name: str) -> str:
    """What a slice or a count is of: a language by its name, all else as it is written."""
    return language(name) if of == "language" else plain(name)


def spaced(name: str) -> str:
    """A name of the behaviour suites as words."""
    return plain(name).replace("_", " ")


def synthetic(manifest: Content) -> bool:
    """Whether the labels are a generator's."""
    return "synthetic" in manifest["data"]["target"]
