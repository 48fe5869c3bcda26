"""Ads of the benchmarks, and the models of both sides trained on them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from adrisk.api import fit_model, load_corpus
from adrisk.config import ModelConfig
from adrisk.errors import AdriskError
from adrisk.synthetic.generate import generate
from adrisk.training.train import split_corpus
from adrisk.types import RISKY

TRAIN_SEED, SCORE_SEED = 0, 1


def answered(work: Callable[[], None]) -> int:
    """Run a benchmark; print an error of adrisk as one line and return its exit code."""
    try:
        work()
    except AdriskError as error:
        sys.stderr.write(f"{Path(sys.argv[0]).name}: {error}\n")
        return error.exit_code
    return 0


def training_ads(path: Path, count: int) -> Path:
    """Write synthetic ads of the training part."""
    # Three in ten synthetic ads are for testing; whole campaigns, so the share is not exact.
    table = pa.concat_tables(generate(2 * count, seed=TRAIN_SEED))
    table = table.filter(pc.equal(table["split"], "train")).slice(0, count)
    pq.write_table(table.drop_columns(["split"]), path)
    return path


def ads_to_score(path: Path, count: int, *, raw_copies: float | None = None) -> Path:
    """Write synthetic ads of another seed.

    Half of them are edited near-copies; with `raw_copies` this share of them repeats an earlier
    text exactly, as nine in ten real ads do (arXiv 2405.13348).
    """
    copies = {} if raw_copies is None else {"duplicates": raw_copies, "edited": 0.0}
    pq.write_table(pa.concat_tables(generate(count, seed=SCORE_SEED, **copies)), path)
    return path


def repeated(ads: Path, path: Path, times: int) -> Path:
    """Write the ads of a file several times, each time with new ids."""
    table = pq.read_table(ads)
    column = table.column_names.index("ad_id")
    with pq.ParquetWriter(path, table.schema) as writer:
        for copy in range(times):
            ids = pc.binary_join_element_wise(table["ad_id"], str(copy), "-")
            writer.write_table(table.set_column(column, table.schema.field(column), ids))
    return path


def train_adrisk(ads: Path, folder: Path) -> pa.Table:
    """Train and save the ngram family with its defaults; returns the ads it was fitted on.

    The other ads are for calibration, thresholds and the report set, so scikit-learn is trained on
    the same ads as ngram.
    """
    corpus = load_corpus([str(ads)])
    split = split_corpus(corpus, 0)
    folder.mkdir()
    fit_model(ModelConfig(family="ngram"), corpus, split).save(folder)
    return corpus.ads.take(pa.array(split["fit"]))


def train_sklearn(table: pa.Table) -> Pipeline:
    """TF-IDF of words, word pairs and character 3- to 5-grams with logistic regression."""
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2)),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)),
    )
    pipeline = make_pipeline(features, LogisticRegression(max_iter=1000))
    return pipeline.fit(table["text"].to_pylist(), table["risk"].to_numpy() >= RISKY)
