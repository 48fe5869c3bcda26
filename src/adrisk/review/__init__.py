"""What reviewers may see and do. So far: plain contacts, sealed, each opening on record."""

from __future__ import annotations

from adrisk.review.vault import KeptContact, Opening, Vault

__all__ = ["KeptContact", "Opening", "Vault"]
