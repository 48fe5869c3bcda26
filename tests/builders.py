"""Small builders of obviously fake ads, shared by the tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from adrisk import schema
from adrisk.batch import TextBatch, make_batch
from adrisk.labels.targets import Targets
from adrisk.model.profile import GROUPS, ProfileBins, TrainingProfile, count, words_of

RISKY = "we hold your passport until the travel debt is paid"
HONEST = "written contract, weekly pay and your own keys"
FILLER = [
    *("kitchen", "garden", "hotel", "office", "harvest", "night", "shift", "cleaning", "driver"),
    *("weekend", "reception", "warehouse", "packing", "delivery", "care", "family", "team"),
    *("training", "uniform", "bus", "season"),
]


def make_texts(count: int, positives: int, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Texts in which one phrase gives the truth away, and the truth."""
    rng = np.random.default_rng(seed)
    truth = np.zeros(count, dtype=bool)
    truth[rng.permutation(count)[:positives]] = True
    texts = []
    for i in range(count):
        words = " ".join(rng.choice(FILLER, size=18))
        texts.append(f"Ad {i}: {words}. {RISKY if truth[i] else HONEST}.")
    return texts, truth


def make_frame(texts: pa.Array) -> ProfileBins:
    """The bins of a summary that knows every word of these texts."""
    words = np.unique(words_of(texts)[1])
    return ProfileBins(("en", "es"), np.array([50.0, 150.0]), np.array([0.5]), 0.8, words, 2)


def make_summary() -> TrainingProfile:
    """Forty English ads in counts."""
    texts = pa.array([text.lower() for text in make_texts(40, 9)[0]], pa.large_string())
    frame = make_frame(texts)
    return TrainingProfile(frame, count(frame, texts, ["en"] * 40, np.arange(40) % GROUPS))


def make_learning(
    count: int = 120, positives: int = 40, seed: int = 0
) -> tuple[TextBatch, Targets]:
    """Folded texts, and targets in which two neighbouring ads are one campaign."""
    texts, truth = make_texts(count, positives, seed)
    targets = Targets(
        ("document_retention",),
        truth[:, None].astype(np.float64),
        np.where(truth, 2, 0).astype(np.int64),
        campaigns=np.arange(count) // 2,
    )
    return make_batch(texts, ["en"] * count), targets


def make_ads(
    texts: list[str],
    *,
    risk: list[int] | np.ndarray | None = None,
    indicators: list[list[str] | None] | None = None,
    campaigns: list[str] | None = None,
    language: str = "en",
    dated: bool = True,
) -> pa.Table:
    """A table of ads in the schema, one a day, with whatever labels are given."""
    count = len(texts)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    columns: dict[str, object] = {
        "ad_id": [f"ad{i:05d}" for i in range(count)],
        "text": texts,
        "language": [language] * count,
        "posted_at": [start + timedelta(days=i) if dated else None for i in range(count)],
        "source": ["test"] * count,
    }
    for name in schema.ADS.names:
        columns.setdefault(name, [None] * count)
    fields = [schema.ADS.field(name) for name in schema.ADS.names]
    extra = {"risk": risk, "indicators": indicators, "campaign_id": campaigns}
    for name, values in extra.items():
        if values is not None:
            columns[name] = [int(v) for v in values] if name == "risk" else values
            fields.append(schema.LABELS.field(name))
    form = pa.schema(fields)
    return pa.table({name: columns[name] for name in form.names}, schema=form)


def make_corpus_file(path, count: int = 240, positives: int = 60, seed: int = 0):
    """A labelled Parquet file from which a small model can be trained in a second."""
    import pyarrow.parquet as pq

    texts, truth = make_texts(count, positives, seed)
    found = [["document_retention"] if t else ["worker_protection"] for t in truth]
    ads = make_ads(texts, risk=np.where(truth, 3, 0), indicators=found)
    pq.write_table(ads, path)
    return path


def make_encoder(folder: Path, layers: int = 1) -> Path:
    """A BERT of random weights and a vocabulary of the words above, as a hub would keep it."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer
    from transformers.utils import logging

    words = sorted({*FILLER, *f"{RISKY} {HONEST}".replace(",", "").split(), "ad"})
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,:"
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*specials, *words, *(c for c in letters), *(f"##{c}" for c in letters)]
    names = {word: number for number, word in enumerate(dict.fromkeys(vocabulary))}
    config = BertConfig(
        vocab_size=len(names),
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
    if bars:
        logging.enable_progress_bar()
    BertTokenizer(vocab=names, model_max_length=128).save_pretrained(folder)
    return folder
