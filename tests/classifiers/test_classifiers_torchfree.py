"""The fast family computes without torch, and gives the sums that torch gives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from adrisk.batch import make_batch
from adrisk.classifiers import FAMILIES
from adrisk.classifiers.base import libraries_of
from adrisk.classifiers.encoder.classifier import EncoderClassifier
from adrisk.classifiers.ngram import _compiled, product_sums, row_sums
from adrisk.errors import MissingExtraError
from adrisk.model.model import Model
from adrisk.text.ngrams import bags
from adrisk.text.normalise import fold_column
from builders import make_learning, make_texts

Sums = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

SCORE_AND_EXPLAIN = """
import sys
from pathlib import Path
from adrisk.model.explain import explain
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig
from adrisk.scoring.worker import ReaderSpec, TextRequest
from adrisk.api import score
import pyarrow as pa

if __name__ == "__main__":
    folder, ads, out = map(Path, sys.argv[1:])
    model = Model.load(folder)
    score(model, [str(ads)], out, out.parent / "ws", policy=PolicyConfig())
    assert explain(model, "we hold your passport until the travel debt is paid").evidence
    reader = ReaderSpec(
        folder, model.version, model.fingerprint, out.parent / "ws", 0.5, None,
        model.rules.fingerprint,
    )()
    assert len(reader(TextRequest(pa.array(["a"], pa.large_string()), [None], ["en"]))[0]) == 1
    loaded = {name for name in sys.modules if name.partition(".")[0] in ("torch", "transformers")}
    assert not loaded, sorted(loaded)[:5]
"""


@pytest.mark.slow
def test_scoring_with_the_fast_family_imports_no_torch(
    model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    arguments = [str(model_folder), str(corpus_file), str(tmp_path / "out")]
    subprocess.run([sys.executable, "-c", SCORE_AND_EXPLAIN, *arguments], check=True)
    assert (tmp_path / "out" / "flags.parquet").exists()


def test_fitting_the_fast_families_imports_no_torch() -> None:
    code = (
        "import sys\n"
        "sys.path.insert(0, 'tests')\n"
        "from adrisk.classifiers import FAMILIES\n"
        "from builders import make_learning\n"
        "for family, more in (('ngram', {'bits': 12}), ('linear', {})):\n"
        "    FAMILIES[family](**more).fit(*make_learning(60, 20))\n"
        "assert 'torch' not in sys.modules\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_only_families_with_an_encoder_ask_for_torch() -> None:
    needed = {name for name, family in FAMILIES.items() if "torch" in libraries_of(family)}
    assert needed == {"encoder", "cascade"}


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_the_encoder_names_the_library_that_is_missing(
    missing: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=rf"needs {missing}.*adrisk\[encoder\]"):
        EncoderClassifier.load(tmp_path, {}, ())
    with pytest.raises(MissingExtraError, match=f"needs {missing}"):
        EncoderClassifier(encoder=str(tmp_path)).fit(*make_learning(60, 20))


@pytest.mark.parametrize("sums", [row_sums, product_sums])
def test_rows_are_summed_as_an_embedding_bag_sums_them(sums: Sums) -> None:
    import torch
    from torch.nn.functional import embedding_bag

    texts = fold_column(pa.array([*make_texts(60, 20)[0], "", "é", "a b"], pa.large_string()))
    table = np.random.default_rng(0).normal(size=((1 << 12) + 1, 32)).astype(np.float32)
    for bag in bags(texts, 12):
        for kinds, offsets in ((bag.chars, bag.char_offsets), (bag.words, bag.word_offsets)):
            for rows in kinds:
                wanted = embedding_bag(
                    torch.from_numpy(rows),
                    torch.from_numpy(table),
                    torch.from_numpy(offsets[:-1]),
                    mode="sum",
                )
                np.testing.assert_array_equal(sums(table, rows, offsets), wanted.numpy())


@pytest.mark.parametrize("sums", [row_sums, product_sums])
def test_no_texts_and_no_words_have_no_sums(sums: Sums) -> None:
    table = np.ones((3, 16), dtype=np.float32)
    nothing = np.zeros(0, dtype=np.int32)
    assert sums(table, nothing, np.zeros(1, dtype=np.int32)).shape == (0, 16)
    assert sums(table, nothing, np.zeros(3, dtype=np.int32)).tolist() == [[0.0] * 16] * 2


@pytest.mark.parametrize("rows", [[0, 3], [0, -1]])
def test_a_row_that_the_table_lacks_is_refused_by_what_is_compiled(rows: list[int]) -> None:
    if _compiled is None:
        pytest.skip("nothing was compiled where this adrisk was installed")
    table = np.ones((3, 48), dtype=np.float32)
    offsets = np.array([0, 2], dtype=np.int32)
    fine = row_sums(table, np.array([0, 2], dtype=np.int32), offsets)
    assert fine.tolist() == [[2.0] * 48]
    with pytest.raises(ValueError, match="do not fit the table"):
        row_sums(table, np.array(rows, dtype=np.int32), offsets)
    with pytest.raises(ValueError, match="do not fit the table"):
        row_sums(table, np.zeros(1, dtype=np.int32), offsets)


def test_every_row_of_the_table_starts_on_a_cache_line(model_folder: Path) -> None:
    table = Model.load(model_folder).classifier._table
    assert (table.ctypes.data % 64, table.strides[0] % 64) == (0, 0)


def test_a_text_scores_alike_whatever_is_read_with_it(model_folder: Path) -> None:
    classifier = Model.load(model_folder).classifier
    texts = make_texts(40, 10)[0]
    together = classifier.margins(make_batch(texts, ["en"] * 40)).risk
    alone = [classifier.margins(make_batch([text], ["en"])).risk[0] for text in texts]
    np.testing.assert_array_equal(together, np.array(alone))
