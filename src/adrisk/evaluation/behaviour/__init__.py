"""Behaviour suites: pairs of ads that differ by one fact, and how a model must score them.

In the manner of CheckList (Ribeiro et al. 2020) and HateCheck (Röttger et al. 2021): who holds the
passport, who pays, a warning that quotes, a letter out of place, another name. The suites are
data, one file a language; they are for judging, and nothing in them is ever trained on.

load_suites(folder)       the cases, or the place of the first mistake
judge(model, cases)       the model's scores of each, and whether it passed
results(model, outcomes)  rates, intervals and every case, as they are written
"""
