"""The classifier families by name. A new family is one file beside these and one line below."""

from __future__ import annotations

from adrisk.classifiers.base import Classifier
from adrisk.classifiers.cascade import CascadeClassifier
from adrisk.classifiers.encoder.classifier import EncoderClassifier
from adrisk.classifiers.linear import LinearClassifier
from adrisk.classifiers.ngram import NgramClassifier

FAMILIES: dict[str, type[Classifier]] = {
    "cascade": CascadeClassifier,
    "encoder": EncoderClassifier,
    "linear": LinearClassifier,
    "ngram": NgramClassifier,
}
