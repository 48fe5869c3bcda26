"""Synthetic ads: a latent case, the campaign that hides it, and its ads, with the truth kept."""
