"""Ads in: corpora, files, folders, URLs, datasets and generated ads as one Arrow stream."""

from __future__ import annotations

from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine, Reason, no_ads
from adrisk.ingest.stream import SCHEMES, AdStream, open_ads

__all__ = ["SCHEMES", "AdStream", "Quarantine", "ReadOptions", "Reason", "no_ads", "open_ads"]
