"""Linking, scoring and training join the same ads."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk.api import load_corpus, score
from adrisk.linking.run import link_ads
from adrisk.linking.unique_texts import TextNumbers, unique_texts
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig

# Unlike but for one phone, in the first without its 0, so that only France makes it the same.
# Numbers that begin with 06 39 98 are kept for fiction.
FRENCH = [
    "Nous cherchons un serveur pour notre restaurant le samedi soir. Appelez le 639 98 00 12",
    "Grande maison à louer avec jardin et garage près de la gare, téléphone +33 6 39 98 00 12",
]


def joined(ids: list[str]) -> list[int]:
    return [ids.index(one) for one in ids]


@pytest.mark.parametrize("place", [None, "Lyon, France"])
def test_a_phone_joins_ads_alike_in_linking_scoring_and_training(
    model_folder: Path, tmp_path: Path, place: str | None
) -> None:
    path = tmp_path / "ads.jsonl"
    rows = [{"ad_id": f"a{n}", "text": text, "location": place} for n, text in enumerate(FRENCH)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    linked = link_ads([str(path)], tmp_path / "campaigns.parquet", {}, tmp_path / "ws")
    policy = PolicyConfig(review_at=0.5)
    scored = score(
        Model.load(model_folder), [str(path)], tmp_path / "out", tmp_path / "ws", policy=policy
    )
    corpus = load_corpus([str(path)])
    tables = [pq.read_table(file) for file in (linked.path, scored.folder / "campaigns.parquet")]
    assert [joined(table["campaign_id"].to_pylist()) for table in tables] == [[0, 0], [0, 0]]
    assert corpus.linked.tolist() == [0, 0]


def test_texts_are_numbered_through_batches_and_by_region_not_language() -> None:
    def batch(*rows: tuple[str, str | None, str | None]) -> pa.Table:
        names = ["text", "location", "language"]
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        return pa.table(columns, names=names)

    texts = TextNumbers()
    first = texts.add(unique_texts(batch(("x", None, "en"), ("y", None, "en"), ("x", None, None))))
    assert [part.tolist() for part in first] == [[0, 1, 0], [0, 1]]
    second = texts.add(unique_texts(batch(("z", None, "en"), ("x", "Madrid", "en"))))
    assert [part.tolist() for part in second] == [[2, 3], [0, 1]]
    assert len(texts) == 4
