"""Scoring: from ads to scores, campaigns, flags and evidence; `run` lists the steps."""
