"""Drift between the training data of a model and a batch of ads.

In: the model's `Summary` and the `Tally` of a batch in the same bins. Out: `Drift`, one `Aspect`
each for language, length, vocabulary, scores and indicators, with an effect size, what chance alone
would do, a verdict, and what to do. Whether a model is right or wrong on the batch takes labels.

An effect counts where it is large enough to care (`LIMITS`) and larger than chance. Chance is a
bootstrap over groups that keep near-copies together, on both sides: the effect that would be seen
if training data and batch were draws from one and the same source, halfway between them.

limits        from where on an effect is some or much; the verdict
aspects       what is compared, what a difference asks for, and what was found
effects       the three effect sizes
chance        an effect and what chance would do, from counts by group
comparison    all of it for a model and a batch
results       the same as it is written
"""
