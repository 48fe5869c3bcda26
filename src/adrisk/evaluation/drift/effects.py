"""Effect sizes: stability index, Jensen-Shannon divergence, and Cohen's h of shares.

In: shares of the training data and of a batch. Out: 0 where they are equal, more the further apart.
"""

from __future__ import annotations

import numpy as np

from adrisk.types import FloatArray


def psi(a: FloatArray, b: FloatArray) -> FloatArray:
    """Population stability index of shares, which must be above 0; bins on the last axis.

    >>> round(float(psi(np.array([0.5, 0.5]), np.array([0.6, 0.4]))), 4)
    0.0405
    """
    return np.asarray(((a - b) * np.log(a / b)).sum(axis=-1))


def jensen_shannon(a: FloatArray, b: FloatArray) -> FloatArray:
    """Jensen-Shannon divergence of shares in bits, 0 to 1; bins on the last axis.

    >>> float(jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])))
    1.0
    """
    middle = (a + b) / 2

    def against(side: FloatArray) -> FloatArray:
        ratio = np.divide(side, middle, out=np.ones_like(middle), where=side > 0)
        return np.asarray((side * np.log2(ratio)).sum(axis=-1))

    return (against(a) + against(b)) / 2


def cohen_h(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cohen's h of shares, each by itself, without its sign.

    >>> float(cohen_h(np.array([0.0]), np.array([1.0]))[0]) == np.pi
    True
    """
    angle = 2 * np.arcsin(np.sqrt(np.clip([a, b], 0, 1)))
    return np.asarray(np.abs(angle[0] - angle[1]))
