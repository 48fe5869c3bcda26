"""Registry of the sources of ads by scheme.

A package can add a source: an `Adapter` under an entry point of the group `adrisk.sources`, whose
name, in lower case, is the scheme.
"""

from __future__ import annotations

from adrisk.ingest.adapters import corpora, hub, plain, synthetic
from adrisk.ingest.adapters.base import Adapter
from adrisk.ingest.locations import PLAIN
from adrisk.plugins import Registry


def _adapter(name: str, found: object) -> Adapter:
    """The adapter of an entry point, checked."""
    if not isinstance(found, Adapter):
        raise TypeError(f"expected an Adapter, found {type(found).__name__}")
    if name != name.lower():
        raise TypeError(f"the name of its entry point is not in lower case: {name}")
    return found


ADAPTERS: Registry[Adapter] = Registry(
    "adrisk.sources",
    "source",
    {
        "synthetic": synthetic.ADAPTER,
        "emscad": corpora.EMSCAD,
        "difraud": corpora.DIFRAUD,
        "h2": corpora.H2,
        "eures": corpora.EURES,
        "hf": hub.ADAPTER,
        PLAIN: plain.ADAPTER,
    },
    _adapter,
)
"""Scheme -> adapter."""
