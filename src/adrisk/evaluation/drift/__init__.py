"""Drift between the training data of a model and a batch of ads.

Compared are languages, length, vocabulary, scores and indicators, each with an effect size, the
effect of chance, a verdict and advice. An effect counts where it exceeds its limit and chance.
Whether the model is right on the batch needs labels.
"""
