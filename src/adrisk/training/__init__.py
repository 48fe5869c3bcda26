"""Training: corpora with campaigns and labels, and models fitted on them."""
