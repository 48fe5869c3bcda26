"""Registry of the classifier families by name.

A new family is one file in this package and one line below; in a package of its own, it is an
entry point of the group `adrisk.families`, named as its `family`.
"""

from __future__ import annotations

from typing import cast

from adrisk.classifiers.base import Classifier
from adrisk.classifiers.cascade import CascadeClassifier
from adrisk.classifiers.encoder.classifier import EncoderClassifier
from adrisk.classifiers.linear import LinearClassifier
from adrisk.classifiers.ngram import NgramClassifier
from adrisk.plugins import Registry

_REQUIRED = ("fit", "margins", "contributions", "parameters", "save", "load")


def _family(name: str, loaded: object) -> type[Classifier]:
    """The class an entry point refers to, checked for the methods of a family."""
    if not isinstance(loaded, type):
        raise TypeError(f"expected a class, found {type(loaded).__name__}")
    missing = [method for method in _REQUIRED if not callable(getattr(loaded, method, None))]
    if missing:
        raise TypeError(f"{loaded.__name__} has no method {', '.join(missing)}")
    if getattr(loaded, "family", None) != name:
        raise TypeError(f"{loaded.__name__}.family is not {name!r}, the name of the entry point")
    return cast("type[Classifier]", loaded)


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
