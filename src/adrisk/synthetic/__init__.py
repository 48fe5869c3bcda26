"""Synthetic ads: a latent case, the campaign that hides it, and its ads, with the truth kept."""

from adrisk.synthetic.generate import KINDS, generate
from adrisk.synthetic.table import SCHEMA, TRUTH

__all__ = ["KINDS", "SCHEMA", "TRUTH", "generate"]
