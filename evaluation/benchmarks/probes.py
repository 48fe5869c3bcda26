"""Shortcut probes of the synthetic corpus: average precision of simple learners on its test part.

    python evaluation/benchmarks/probes.py [--ads 20000] [--seed 0] [--out PATH]

Every probe is trained on the training part, with the labels of its three annotators, and evaluated
on the test part with the true labels. The parts share no campaign, contact or paraphrase family.
Shortcuts (keyword count, length, metadata, template) must stay near the prevalence; rules and
TF-IDF with logistic regression must be between. The last probe is the same learner under a random
split of ads. The rules and the corpus have authors in common, so the figure of the rules is too
high. Figures are average precision, with a bootstrap interval over campaigns.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.tree import DecisionTreeClassifier

from adrisk.evaluation.baselines import plain_baselines, tfidf_baseline
from adrisk.metrics.estimates import Bootstrap, average_precision
from adrisk.metrics.figures import Figure
from adrisk.progress import say
from adrisk.rules.ruleset import load_ruleset
from adrisk.rules.taxonomy import graded_risk, load_taxonomy
from adrisk.synthetic.generate import generate
from adrisk.text.normalise import fold_column
from adrisk.types import RISKY, FloatArray, IntArray

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "evaluation" / "results" / "synthetic-probes.json"
SHIPPED = ROOT / "src" / "adrisk" / "synthetic" / "probes.json"
"""The same figures inside the package, for the datasheet of every synthetic corpus."""

SHORTCUT_BELOW = 0.15
CONTENT_BETWEEN = (0.35, 0.85)

Mask = NDArray[np.bool_]


class Corpus:
    """The ads, with their parts and true labels."""

    def __init__(self, ads: pa.Table) -> None:
        self.ads = ads
        self.folded = fold_column(ads["text"])
        self.texts: list[str] = self.folded.to_pylist()
        self.truth: Mask = ads["true_risk"].to_numpy() >= RISKY
        labelled = pc.is_valid(ads["risk"]).to_numpy()
        self.label: Mask = ads["risk"].fill_null(0).to_numpy() >= RISKY
        split = np.array(ads["split"].to_pylist())
        self.train: IntArray = np.flatnonzero((split == "train") & labelled)
        self.test: IntArray = np.flatnonzero(split == "test")
        names = ads["campaign_id"].combine_chunks().dictionary_encode().indices
        self.campaigns: IntArray = names.to_numpy().astype(np.int64)

    def column(self, name: str) -> list[Any]:
        """The values of a column."""
        values: list[Any] = self.ads[name].to_pylist()
        return values

    def fitted(
        self,
        make: Callable[[], Pipeline | DecisionTreeClassifier],
        rows: Callable[[IntArray], FloatArray | Sequence[object]],
    ) -> FloatArray:
        """Scores of the test part from a classifier fitted on the training part."""
        model = make()
        model.fit(rows(self.train), self.label[self.train])
        return np.asarray(model.predict_proba(rows(self.test))[:, 1], dtype=np.float64)


def length_only(corpus: Corpus) -> FloatArray:
    """A small tree over the number of characters."""
    lengths = pc.utf8_length(corpus.ads["text"]).to_numpy().astype(np.float64)
    return corpus.fitted(
        lambda: DecisionTreeClassifier(max_leaf_nodes=12, min_samples_leaf=100, random_state=0),
        lambda rows: lengths[rows, None],
    )


def metadata_rows(corpus: Corpus) -> list[dict[str, object]]:
    """Metadata of each ad, with the number of ads of its account."""
    accounts = Counter(corpus.column("account_id"))
    names = ("category", "location", "language", "kind", "price", "posted_at", "account_id")
    return [
        {
            "category": str(category),
            "location": str(location),
            "no location": location is None,
            "language": language,
            "kind": kind,
            "has price": price is not None,
            "hour": posted.hour,
            f"hour {posted.hour // 4}": 1,
            "weekday": posted.weekday(),
            "account size": accounts[account] if account else 0,
            "no account": account is None,
        }
        for category, location, language, kind, price, posted, account in zip(
            *map(corpus.column, names), strict=True
        )
    ]


def metadata_tree(corpus: Corpus) -> FloatArray:
    """A tree of 40 leaves over the metadata."""
    rows = np.array(metadata_rows(corpus), dtype=object)
    return corpus.fitted(
        lambda: make_pipeline(
            DictVectorizer(sparse=False),
            DecisionTreeClassifier(max_leaf_nodes=40, min_samples_leaf=50, random_state=0),
        ),
        lambda chosen: list(rows[chosen]),
    )


def metadata_regression(corpus: Corpus) -> FloatArray:
    """Logistic regression over the metadata."""
    rows = np.array(metadata_rows(corpus), dtype=object)
    return corpus.fitted(
        lambda: make_pipeline(
            DictVectorizer(sparse=False),
            LogisticRegression(C=0.3, max_iter=2000, solver="liblinear"),
        ),
        lambda chosen: list(rows[chosen]),
    )


def template_rate(corpus: Corpus) -> FloatArray:
    """The share of risky ads in the same template family (sector, register, layout) in training."""
    families = corpus.column("template_family")
    seen = Counter(families[row] for row in corpus.train)
    risky = Counter(families[row] for row in corpus.train if corpus.label[row])
    base = corpus.label[corpus.train].mean()
    return np.array(
        [(risky[families[r]] + 20 * base) / (seen[families[r]] + 20) for r in corpus.test]
    )


def template_shape(corpus: Corpus) -> FloatArray:
    """Logistic regression over the layout of a text, with its words and numbers replaced."""
    shapes = np.array([shape(text) for text in corpus.column("text")], dtype=object)
    return corpus.fitted(
        lambda: make_pipeline(
            TfidfVectorizer(analyzer="char", ngram_range=(1, 4), min_df=5, max_features=30_000),
            LogisticRegression(C=1.0, solver="liblinear", random_state=0),
        ),
        lambda rows: list(shapes[rows]),
    )


def shape(text: str) -> str:
    """The text with every word and number replaced by a placeholder.

    >>> shape("Fruit picker - Hull\\n- You pay £250")
    'A a - A\\n- A a £9'
    """
    text = re.sub(r"\d+", "9", text)
    text = re.sub(r"[^\W\d_]+", lambda word: "A" if word.group()[0].isupper() else "a", text)
    return re.sub(r"(?:a ){3,}", "a a ", text)


def nearest_template(corpus: Corpus) -> FloatArray:
    """Similarity to the nearest risky training ad minus that to the nearest harmless one.

    Capitalised words and digits are removed, so that the word triples of the template remain.
    """
    skeletons = np.array(
        [re.sub(r"\w*[\dA-ZÀ-Þ@]\w*", " ", text) for text in corpus.column("text")], dtype=object
    )
    vectoriser = TfidfVectorizer(ngram_range=(3, 3), min_df=2, sublinear_tf=True)
    known = vectoriser.fit_transform(skeletons[corpus.train])
    queries = vectoriser.transform(skeletons[corpus.test])
    risky = corpus.label[corpus.train]
    near = {side: _nearest(queries, known[risky == side]) for side in (False, True)}
    return near[True] - near[False]


def _nearest(queries: sparse.csr_array, known: sparse.csr_array) -> FloatArray:
    best = [
        (queries[first : first + 500] @ known.T).max(axis=1).toarray().ravel()
        for first in range(0, queries.shape[0], 500)
    ]
    return np.concatenate(best).astype(np.float64)


def tfidf(corpus: Corpus, train: IntArray, test: IntArray) -> FloatArray:
    """TF-IDF of words and characters with logistic regression."""
    texts = np.array(corpus.texts, dtype=object)
    return tfidf_baseline(list(texts[train]), corpus.label[train], list(texts[test]), 0)


def perfect_rules(corpus: Corpus) -> FloatArray:
    """Risk graded from the true indicators: the figure of perfect rules."""
    taxonomy, stated = load_taxonomy(), corpus.column("true_indicators")
    return np.array([graded_risk(stated[r], taxonomy) + 0.01 * len(stated[r]) for r in corpus.test])


def figure(corpus: Corpus, rows: IntArray, score: FloatArray) -> Figure:
    """Average precision on some rows with the true labels."""
    truth = corpus.truth[rows]
    metric = average_precision(truth, score)
    return Bootstrap().estimate(metric, corpus.campaigns[rows], int(truth.sum())).figure()


def probe(corpus: Corpus) -> dict[str, Figure]:
    """All figures by name of the probe."""
    test = corpus.test
    plain = plain_baselines(
        corpus.ads.take(pa.array(test)), corpus.folded.take(pa.array(test)), load_ruleset()
    )
    learned: dict[str, Callable[[], FloatArray]] = {
        "keyword count": lambda: plain["keyword count"],
        "length only": lambda: length_only(corpus),
        "metadata only, tree": lambda: metadata_tree(corpus),
        "metadata only, logistic regression": lambda: metadata_regression(corpus),
        "template family": lambda: template_rate(corpus),
        "template shape": lambda: template_shape(corpus),
        "nearest training template": lambda: nearest_template(corpus),
        "rules": lambda: plain["rules"],
        "TF-IDF + logistic regression": lambda: tfidf(corpus, corpus.train, test),
        "stated indicators, graded (ceiling of rules)": lambda: perfect_rules(corpus),
    }
    found = {}
    for name, score in learned.items():
        found[name] = figure(corpus, test, score())
        say(f"{found[name].value:.3f}  {name}")
    order = np.random.default_rng(0).permutation(len(corpus.truth))
    train, test = order[: len(corpus.train)], order[len(corpus.train) :][: len(corpus.test)]
    dealt = figure(corpus, np.sort(test), tfidf(corpus, np.sort(train), np.sort(test)))
    found["TF-IDF + logistic regression, ads dealt at random"] = dealt
    return found


def verdict(found: dict[str, Figure]) -> dict[str, bool]:
    """Whether the shortcuts and the learners are in their ranges."""
    shortcuts = ("keyword", "length", "metadata", "template", "nearest")
    low, high = CONTENT_BETWEEN
    return {
        "shortcuts below 0.15": all(
            value.value < SHORTCUT_BELOW
            for name, value in found.items()
            if name.startswith(shortcuts)
        ),
        "rules and TF-IDF from 0.35 to 0.85": all(
            low <= found[name].value <= high for name in ("rules", "TF-IDF + logistic regression")
        ),
    }


def main() -> None:
    """Make the corpus, run the probes, print and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ads", type=int, default=20_000, help="synthetic ads to make")
    parser.add_argument("--seed", type=int, default=0, help="of the corpus")
    parser.add_argument("--out", type=Path, help="where to write; default: the results folder")
    arguments = parser.parse_args()
    corpus = Corpus(pa.concat_tables(generate(arguments.ads, seed=arguments.seed)))
    found = probe(corpus)
    honest = found["TF-IDF + logistic regression"].value
    dealt = found["TF-IDF + logistic regression, ads dealt at random"].value
    results = {
        "corpus": f"synthetic:{arguments.ads}?seed={arguments.seed}",
        "command": f"python evaluation/benchmarks/probes.py --ads {arguments.ads} "
        f"--seed {arguments.seed}",
        "metric": "average precision, with a 95 % bootstrap interval over campaigns",
        "trained_on": {"ads": len(corpus.train), "labels": "three simulated annotators"},
        "judged_on": {
            "ads": len(corpus.test),
            "labels": "truth",
            "prevalence": round(float(corpus.truth[corpus.test].mean()), 4),
        },
        "probes": {name: value.to_json() for name, value in found.items()},
        "random_split_gap": round(dealt - honest, 4),
        "verdict": verdict(found),
    }
    print(f"{len(corpus.train):,} ads to learn from, {len(corpus.test):,} to judge on, of which")
    print(f"{results['judged_on']['prevalence']:.1%} are risky\n")
    for name, value in found.items():
        print(f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]  {name}")
    print(f"\n{dealt - honest:+.3f}  gap to the random split")
    for claim, holds in results["verdict"].items():
        print(f"{'yes' if holds else 'NO '}  {claim}")
    for path in [arguments.out] if arguments.out else [RESULTS, SHIPPED]:
        path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"written  {path}")


if __name__ == "__main__":
    main()
