"""Estimates with intervals, data splits and the evaluation protocol."""
