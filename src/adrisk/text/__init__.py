"""Text primitives: folding with offsets, tokens and hashed n-grams over Arrow buffers."""
