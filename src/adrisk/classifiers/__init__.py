"""The classifier families by name.

A new family is one file beside these and one line below; in a package of its own, it is an entry
point of the group `adrisk.families`, named as its `family`.
"""

from __future__ import annotations

from typing import cast

from adrisk.classifiers.base import Classifier
from adrisk.classifiers.cascade import CascadeClassifier
from adrisk.classifiers.encoder.classifier import EncoderClassifier
from adrisk.classifiers.linear import LinearClassifier
from adrisk.classifiers.ngram import NgramClassifier
from adrisk.plugins import Registry

_NEEDED = ("fit", "margins", "contributions", "parameters", "save", "load")


def _family(name: str, found: object) -> type[Classifier]:
    """The class that an entry point names."""
    if not isinstance(found, type):
        raise TypeError(f"expected a class, found {type(found).__name__}")
    lacking = [method for method in _NEEDED if not callable(getattr(found, method, None))]
    if lacking:
        raise TypeError(f"{found.__name__} has no method {', '.join(lacking)}")
    if getattr(found, "family", None) != name:
        raise TypeError(f"{found.__name__}.family is not {name!r}, the name of the entry point")
    return cast("type[Classifier]", found)


FAMILIES: Registry[type[Classifier]] = Registry(
    "adrisk.families",
    "family",
    {
        "cascade": CascadeClassifier,
        "encoder": EncoderClassifier,
        "linear": LinearClassifier,
        "ngram": NgramClassifier,
    },
    _family,
)
