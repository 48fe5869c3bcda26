"""Ads in: corpora, files, folders, URLs, datasets and generated ads as one Arrow stream."""
