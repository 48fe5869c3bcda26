"""The registry of sources: one file and one line each."""

from __future__ import annotations

from types import MappingProxyType

from adrisk.ingest.adapters import difraud, emscad, eures, h2, hub, plain, synthetic
from adrisk.ingest.locations import PLAIN

ADAPTERS = MappingProxyType(
    {
        "synthetic": synthetic.ADAPTER,
        "emscad": emscad.ADAPTER,
        "difraud": difraud.ADAPTER,
        "h2": h2.ADAPTER,
        "eures": eures.ADAPTER,
        "hf": hub.ADAPTER,
        PLAIN: plain.ADAPTER,
    }
)
"""Scheme -> adapter."""
