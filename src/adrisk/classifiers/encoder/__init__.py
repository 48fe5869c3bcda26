"""Encoder family: a fine-tuned transformer. The only package that imports transformers.

Importing it is cheap: torch and transformers load when a model is fitted or read.
"""
