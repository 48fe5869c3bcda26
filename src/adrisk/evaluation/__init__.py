"""The evaluation protocol: figures of scores on ads that nothing was fitted on.

`judging` gives the figures of one set of scores, `comparison` the difference of two on the same
ads, `baselines` scores that need no model, `results` how all of them are kept.
`evaluation/protocol.md` says why each figure is there.
"""
