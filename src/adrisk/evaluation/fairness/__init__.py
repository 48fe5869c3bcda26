"""Fairness: error rates by group, and how far scores move when a trait in an ad is exchanged."""
