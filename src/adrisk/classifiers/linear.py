"""Reference family: scikit-learn TF-IDF of words and characters, with linear heads.

Slow, exact and widely understood: the baseline that other families are compared with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import regex
from scipy import sparse

from adrisk.batch import TextBatch
from adrisk.classifiers import storage
from adrisk.classifiers.base import RISK_HEADS, Margins, parameters_of
from adrisk.classifiers.linear_heads import LinearHeads, fit_heads
from adrisk.classifiers.rule_features import (
    RuleFeatureWeights,
    rule_feature_names,
    scale_beside,
    training_rule_features,
)
from adrisk.errors import ModelError
from adrisk.labels.targets import Targets, check_risk, learnable
from adrisk.types import FloatArray

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

_TOKEN = regex.compile(r"\b\w\w+\b")
_WORD = regex.compile(r"\S+")


def word_vectoriser(min_df: int = 1) -> TfidfVectorizer:
    """TF-IDF of words and pairs of words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, lowercase=False, min_df=min_df, dtype=np.float32
    )


def char_vectoriser(min_df: int = 1) -> TfidfVectorizer:
    """TF-IDF of character 3-5-grams inside words."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        analyzer="char_wb",
        ngram_range=(3, 5),
        sublinear_tf=True,
        lowercase=False,
        min_df=min_df,
        dtype=np.float32,
    )


class LinearClassifier:
    """TF-IDF word 1-2-grams and character 3-5-grams with linear heads.

    Args:
        strength: inverse of the regularisation.
        min_df: an n-gram must occur in as many ads to be used.
        min_positives: an indicator needs as many present and absent ads to get a head.
        findings: whether rule hits are features besides the text.
        seed: of the solver.
    """

    family: ClassVar[str] = "linear"
    labels_: tuple[str, ...]

    def __init__(
        self,
        *,
        strength: float = 4.0,
        min_df: int = 2,
        min_positives: int = 8,
        findings: bool = True,
        seed: int = 0,
    ) -> None:
        self.strength = strength
        self.min_df = min_df
        self.min_positives = min_positives
        self.findings = findings
        self.seed = seed

    def parameters(self) -> dict[str, object]:
        """As given to `__init__`."""
        return parameters_of(self)

    def fit(self, batch: TextBatch, targets: Targets) -> Self:
        """Learn vocabulary, inverse document frequencies and heads; see `Classifier.fit`."""
        check_risk(targets.risk)
        texts = batch.folded.to_pylist()
        least = min(self.min_df, max(1, len(texts) // 4))
        self._vectorisers = (word_vectoriser(least), char_vectoriser(least))
        blocks = [v.fit_transform(texts) for v in self._vectorisers]
        terms = sum(block.shape[1] for block in blocks)
        names = rule_feature_names(batch.rules.taxonomy) if self.findings else ()
        scale = scale_beside(self._stack(blocks))
        if names:
            learned = training_rule_features(batch, names, targets, self.seed)
            blocks.append(sparse.csr_matrix(scale * learned))
        labels = learnable(targets, self.min_positives)
        heads = fit_heads(self._stack(blocks), targets, labels, self.strength, self.seed)
        weights, rule_weights = np.split(heads.weights, [terms])
        self._heads = replace(heads, weights=weights)
        self._rule_features = RuleFeatureWeights(names, scale * rule_weights)
        self.labels_ = labels
        return self

    def margins(self, batch: TextBatch) -> Margins:
        """Log-odds; see `Classifier.margins`."""
        if len(batch) == 0:
            return self._heads.margins(np.zeros((0, RISK_HEADS + len(self.labels_))))
        texts = batch.folded.to_pylist()
        features = self._stack([v.transform(texts) for v in self._vectorisers])
        products = features @ self._heads.weights
        return self._heads.margins(products + self._rule_features.products(batch))

    @staticmethod
    def _stack(blocks: Sequence[sparse.csr_matrix]) -> sparse.csr_array:
        return sparse.csr_array(sparse.hstack(blocks, format="csr"))

    def contributions(self, batch: TextBatch) -> FloatArray:
        """Each n-gram's contribution, spread evenly over its occurrences."""
        folded = batch.folded[0].as_py()
        result = self._rule_features.places(batch)
        first = 0
        for vectoriser, occurrences in zip(
            self._vectorisers, (_word_spans(folded), _char_spans(folded)), strict=True
        ):
            row = vectoriser.transform([folded])
            shares = dict(
                zip(
                    row.indices.tolist(),
                    row.data[:, None] * self._heads.weights[first + row.indices],
                    strict=True,
                )
            )
            spans_by_column: dict[int, list[tuple[int, int]]] = {}
            for term, start, end in occurrences:
                column = vectoriser.vocabulary_.get(term)
                if column is not None:
                    spans_by_column.setdefault(column, []).append((start, end))
            for column, spans in spans_by_column.items():
                for start, end in spans:
                    result[start:end] += shares[column] / (len(spans) * (end - start))
            first += len(vectoriser.vocabulary_)
        return self._heads.contributions(result)

    def save(self, folder: Path) -> None:
        """Write `vocabulary.json`, `weights.safetensors` and the weights of the rule features."""
        self._rule_features.save(folder)
        words, chars = self._vectorisers
        vocabulary = {"words": _terms(words), "chars": _terms(chars)}
        (folder / "vocabulary.json").write_text(
            json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8"
        )
        storage.write_tensors(
            folder / "weights.safetensors",
            word_idf=words.idf_.astype(np.float32),
            char_idf=chars.idf_.astype(np.float32),
            weights=self._heads.weights,
            intercepts=self._heads.intercepts,
        )

    @classmethod
    def load(cls, folder: Path, parameters: Mapping[str, Any], labels: Sequence[str]) -> Self:
        """Read the files of `save` and check that they fit each other."""
        model = cls(**parameters)
        words, chars = _read_vocabulary(folder / "vocabulary.json")
        read = storage.read_tensors(
            folder / "weights.safetensors",
            word_idf=(np.float32, (len(words),)),
            char_idf=(np.float32, (len(chars),)),
            weights=(np.float32, (len(words) + len(chars), RISK_HEADS + len(labels))),
            intercepts=(np.float64, (RISK_HEADS + len(labels),)),
        )
        model._vectorisers = (
            _restore_vectoriser(word_vectoriser(), words, read["word_idf"]),
            _restore_vectoriser(char_vectoriser(), chars, read["char_idf"]),
        )
        model.labels_ = tuple(labels)
        model._heads = LinearHeads(model.labels_, read["weights"], read["intercepts"])
        model._rule_features = RuleFeatureWeights.load(folder, RISK_HEADS + len(labels))
        return model


def _terms(vectoriser: TfidfVectorizer) -> list[str]:
    return [str(term) for term in vectoriser.get_feature_names_out()]


def _restore_vectoriser(
    vectoriser: TfidfVectorizer, terms: list[str], idf: FloatArray
) -> TfidfVectorizer:
    vectoriser.vocabulary = {term: column for column, term in enumerate(terms)}
    vectoriser.idf_ = idf
    vectoriser.vocabulary_ = vectoriser.vocabulary
    return vectoriser


def _read_vocabulary(path: Path) -> tuple[list[str], list[str]]:
    try:
        vocabulary = storage.read_json(path)
        words, chars = vocabulary["words"], vocabulary["chars"]
    except (KeyError, TypeError) as error:
        raise ModelError(
            f"{path} cannot be read as a vocabulary ({type(error).__name__}); the model folder is "
            "incomplete or damaged: copy it again or train anew"
        ) from error
    for terms in (words, chars):
        if not isinstance(terms, list) or not all(isinstance(term, str) for term in terms):
            raise ModelError(f"{path}: expected two lists of strings, words and chars")
        if len(set(terms)) != len(terms):
            raise ModelError(f"{path}: a term occurs twice; the vocabulary is damaged")
    return words, chars


def _word_spans(text: str) -> Iterator[tuple[str, int, int]]:
    """Words and pairs of the word vectoriser, with their spans."""
    tokens = list(_TOKEN.finditer(text))
    for token in tokens:
        yield token.group(), token.start(), token.end()
    for left, right in pairwise(tokens):
        yield f"{left.group()} {right.group()}", left.start(), right.end()


def _char_spans(text: str) -> Iterator[tuple[str, int, int]]:
    """Character n-grams of char_wb, with their spans; words are padded with spaces."""
    for word in _WORD.finditer(text):
        padded = f" {word.group()} "
        for order in (3, 4, 5):
            for at in range(max(1, len(padded) - order + 1)):
                piece = padded[at : at + order]
                start = max(word.start(), word.start() + at - 1)
                end = min(word.end(), word.start() + at - 1 + len(piece))
                yield piece, start, end
            if len(padded) <= order:
                break  # a short word counts once, as in scikit-learn
