"""The encoder family: a fine-tuned transformer. The only room that knows transformers.

Importing this costs nothing: torch and transformers load when a model is fitted or read.
"""
