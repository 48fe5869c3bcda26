"""The evaluation protocol: figures of scores on ads that nothing was fitted on.

`judging` gives the figures of one set of scores, `comparison` the difference of two on the same
ads, `results` and the modules named after a result how they are kept.
`evaluation/protocol.md` says why each figure is there.
"""
