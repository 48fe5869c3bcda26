"""The evaluation protocol: what scores are worth on ads that nothing was fitted on.

`judging` gives the figures of one set of scores, `comparison` the difference of two on the same
ads, `baselines` what needs no model, `slices` what the figures are split by.
`evaluation/protocol.md` says why each figure is there.
"""
