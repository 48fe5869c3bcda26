"""Folding with offsets, tokens, hashed n-grams, and the bytes of Arrow string columns."""
