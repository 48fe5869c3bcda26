"""Behaviour suites: pairs of ads that differ by one fact, and how a model must score them.

In the manner of CheckList (Ribeiro et al. 2020) and HateCheck (Röttger et al. 2021): who keeps the
passport, who pays, a quoted warning, a misspelled word, another name. The suites are data, one file
a language; they are for evaluation only and never trained on.
"""
