"""The Python API gives what the commands give, for ads in whatever form they are held."""

from __future__ import annotations

import builtins
import doctest
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import adrisk
from adrisk import api as stages
from adrisk import schema
from adrisk.errors import MissingExtraError, SourceError, UsageError
from adrisk.policy.policy import PolicyConfig
from adrisk.scoring import memory_ads as tables
from adrisk.scoring import risk_model
from adrisk.scoring.risk_model import RiskModel
from adrisk.scoring.scores import Scores

TEXTS = [
    "Farm work with a room. We keep your passport until the fare is paid back. Call 555-0142.",
    "Trabajo en el campo con cuarto. Guardamos su pasaporte hasta que pague el viaje.",
    "Trabalho no campo com quarto. Guardamos o seu passaporte até pagar a viagem.",
    "Travail à la ferme, chambre fournie. Nous gardons votre passeport jusqu'au paiement.",
    "Wir suchen Leute für die Ernte im Sommer, wir behalten den Pass.",
    "Wir suchen nette Leute für die Küche in Hamburg. Under 18 welcome, kitchen work.",
    "Kitchen help wanted for the season, written contract, you keep your documents.",
    "Kitchen help wanted for the season, written contract, you keep your documents.",
    "!!!! ???",
    "Hotel work available",
]
POLICIES = {
    "of the command": PolicyConfig(),
    "strict": PolicyConfig(review_at=0.02, urgent_at=0.5),
    "small": PolicyConfig(review_at=0.3, capacity=4, audit_share=0.5, incomplete_share=0.3),
}


@pytest.fixture
def model(synthetic_model: Path) -> RiskModel:
    return adrisk.load(synthetic_model)


def by_command(
    model: RiskModel, source: object, place: Path, policy: PolicyConfig
) -> tuple[pa.Table, pa.Table, list[dict[str, object]]]:
    """Scores, flags and quarantine as `adrisk score` writes them."""
    place.mkdir(exist_ok=True)
    stages.score(model.model, [str(source)], place / "out", place, policy=policy)
    quarantine = (place / "out" / "quarantine.jsonl").read_text().splitlines()
    return (
        pq.read_table(place / "out" / "scores"),
        pq.read_table(place / "out" / "flags.parquet"),
        [json.loads(line) for line in quarantine],
    )


def assert_equal(scores: Scores, by_command: tuple[pa.Table, pa.Table, object]) -> None:
    """Every column, to the bit, but for the id of the run."""
    table, flags, _ = by_command
    for name in table.column_names:
        if name != "run_id":
            assert scores.table[name].to_pylist() == table[name].to_pylist(), name
    assert scores.flags().equals(flags)


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_texts_have_the_scores_evidence_and_flags_of_the_command(
    model: RiskModel, policy: PolicyConfig, tmp_path: Path
) -> None:
    source = tmp_path / "ads.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    scores = model.score(TEXTS, policy=policy)
    assert_equal(scores, by_command(model, source, tmp_path / "a", policy))
    assert [ad.language for ad in scores][:6] == ["en", "es", "pt", "fr", "de", "de"]
    why = ["language", None, None, None, "unreadable", "too_short"]
    assert [ad.incomplete for ad in scores][4:] == why
    assert [ad.escalated for ad in scores if ad.escalated] == [("minor_recruitment",)]
    flagged_incomplete = [level == "incomplete" for level in scores.flags()["level"].to_pylist()]
    assert flagged_incomplete == [ad.incomplete is not None for ad in scores]
    levels = dict(zip(*(scores.flags()[c].to_pylist() for c in ("ad_id", "level")), strict=True))
    for ad in scores:
        flagged = levels[ad.ad_id] in ("review", "urgent")
        assert (ad.evidence is not None) == flagged
    assert any(ad.evidence for ad in scores)


@pytest.mark.slow
def test_a_table_has_the_scores_and_flags_of_the_command_place_and_all(
    model: RiskModel, tmp_path: Path
) -> None:
    source = stages.ingest(["synthetic:600?seed=5"], tmp_path / "ads.parquet").ads
    ads = pq.read_table(source)
    policy = PolicyConfig(review_at=0.3, capacity=30)
    asked = by_command(model, source, tmp_path / "a", policy)
    assert len(set(asked[1]["campaign_id"].to_pylist())) < len(ads)
    assert {"review", "urgent", "clear"} <= set(asked[1]["level"].to_pylist())
    scores = model.score(ads, policy=policy)
    assert_equal(scores, asked)
    # Another policy for the same scores, as a second run of the command.
    other = PolicyConfig(review_at=0.6, urgent_at=0.9)
    assert scores.flags(other).equals(by_command(model, source, tmp_path / "b", other)[1])


@pytest.mark.slow
def test_every_form_of_the_same_ads_has_the_same_scores(model: RiskModel) -> None:
    texts = TEXTS[:4]
    dicts = [{"Title": text[:9], "description": text[9:], "price": 12} for text in texts]
    table = pa.Table.from_pylist(dicts)
    frame = table.to_pandas().set_index(pd_index := np.array([*"wxyz"]))
    forms = [dicts, table, frame, table.to_batches()[0], (row for row in dicts)]
    expected = model.score(dicts).table
    assert len(pd_index) == len(expected) == 4
    for form in forms:
        assert model.score(form).table.equals(expected)
    of_texts = model.score(texts).table
    series = pa.table({"text": texts}).to_pandas()["text"]
    for form in (tuple(texts), pa.array(texts), series, pa.chunked_array([texts]), iter(texts)):
        assert model.score(form).table.equals(of_texts)
    renamed = [{"words": text} for text in texts]
    assert model.score(renamed, mapping={"text": "words"}).table.equals(of_texts)


@pytest.mark.slow
def test_what_is_given_is_not_detected(model: RiskModel) -> None:
    ads = [{"text": TEXTS[0], "language": language} for language in ("en", "pt", None)]
    assert [ad.language for ad in model.score(ads)] == ["en", "pt", "en"]


@pytest.mark.slow
def test_rows_that_cannot_be_ads_are_rejected_as_in_the_quarantine(
    model: RiskModel, tmp_path: Path
) -> None:
    rows = [{"ad_id": "a", "text": TEXTS[0]}, {"ad_id": "b", "text": " "},
            {"ad_id": "a", "text": TEXTS[1]}, {"ad_id": "c", "text": None},
            {"ad_id": "d", "text": TEXTS[2]}]  # fmt: skip
    source = tmp_path / "ads.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    scores = model.score(rows)
    *tables, quarantine = by_command(model, source, tmp_path / "a", PolicyConfig())
    assert_equal(scores, (*tables, None))
    assert scores.rows.tolist() == [0, 4]
    ours = [(row.line, row.reason, row.action, row.ad_id) for row in scores.rejected]
    quarantine.sort(key=lambda row: int(str(row["line"])))
    theirs = [(row["line"], row["reason"], row["action"], row["ad_id"]) for row in quarantine]
    assert ours == theirs
    assert len(ours) == 3
    broken = model.score([TEXTS[0], "we keep your passp\udcffort"])
    assert [row.reason for row in broken.rejected] == ["broken encoding"]


@pytest.mark.slow
def test_evidence_is_given_for_all_or_none_where_that_is_asked(model: RiskModel) -> None:
    everything = model.score(TEXTS, evidence=True)
    assert all(ad.evidence is not None for ad in everything)
    shown = next(ad for ad in everything).evidence
    assert shown is not None
    assert any("passport" in TEXTS[0][e.start : e.end] for e in shown)
    assert model.score(TEXTS, evidence=False).table["evidence"].null_count == len(TEXTS)
    explained = model.explain(TEXTS[0])
    assert explained.language == "en"
    assert explained.why.risk == next(iter(everything)).risk


def test_no_ads_give_empty_tables(model_folder: Path) -> None:
    model = adrisk.load(model_folder)
    for nothing in ([], ["", "   "], pa.table({"text": pa.array([], pa.string())})):
        scores = model.score(nothing)
        assert (len(scores), list(scores)) == (0, [])
        assert scores.table.schema.equals(schema.scores(model.labels))
        assert scores.flags().equals(schema.FLAGS.empty_table())
        assert repr(scores).startswith("0 ads scored by adrisk ")


def test_one_text_is_no_list_of_ads(model_folder: Path) -> None:
    model = adrisk.load(model_folder)
    for one in ("We keep your passport.", b"We keep your passport.", {"text": "We keep it."}):
        with pytest.raises(TypeError, match=r"put it in a list: model\.score\(\[ad\]\)"):
            model.score(one)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="for one text give a list of one"):
        model.model.score("We keep your passport.")
    with pytest.raises(TypeError, match="row 2 is int"):
        model.score([{"text": "We keep it."}, 7])  # type: ignore[list-item]


def test_columns_that_cannot_be_understood_are_named(model_folder: Path) -> None:
    model = adrisk.load(model_folder)
    with pytest.raises(SourceError, match="no column looks like the text of an ad"):
        model.score([{"wordz": "We keep your passport."}])
    with pytest.raises(SourceError, match="has no column 'txt'"):
        model.score([{"text": "We keep it."}], mapping={"txt": "text"})
    with pytest.raises(UsageError, match="the column 'price' are of different types"):
        model.score([{"text": "We keep it.", "price": 7}, {"text": "We keep it.", "price": "x"}])


def test_scores_show_counts_and_no_word_of_an_ad(model_folder: Path) -> None:
    model = adrisk.load(model_folder)
    assert repr(model) == f"RiskModel(adrisk {model.version}, family ngram, 2 indicators)"
    ads = [{"ad_id": f"ad\x1b[2J{i}", "text": f"{TEXTS[6]} {i}"} for i in range(7)]
    shown = repr(model.score([*ads, {"ad_id": "x", "text": "Hotel work"}, {"text": ""}]))
    assert shown.startswith(f"8 ads scored by adrisk {model.version}; 1 rejected")
    assert "of level 0" in shown
    assert "1 incomplete" in shown
    assert shown.count("  risk ") == 5
    assert shown.endswith("...")
    assert "\x1b" not in shown
    assert "Kitchen" not in shown


def test_a_table_for_arrow_and_for_pandas_has_what_stands_apart(model_folder: Path) -> None:
    model = adrisk.load(model_folder)
    scores = model.score([TEXTS[5], TEXTS[9]])
    table = scores.to_arrow()
    assert table.column_names == [*scores.table.column_names, "escalate", "incomplete"]
    frame = scores.to_pandas()
    assert list(frame.columns) == table.column_names
    assert frame["incomplete"].tolist()[1] == "too_short"
    assert list(frame["escalate"].tolist()[0]) == ["minor_recruitment"]


def test_without_pandas_the_extra_is_named(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = adrisk.load(model_folder).score([TEXTS[0]], evidence=False)
    real = builtins.__import__

    def importing(name: str, *rest: object, **more: object) -> object:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(MissingExtraError, match=r"pip install 'adrisk\[pandas\]'"):
        scores.to_pandas()


def test_the_examples_of_the_docstrings(model_folder: Path) -> None:
    globs = {"model": adrisk.load(model_folder)}
    assert doctest.testmod(tables).failed == 0
    done = doctest.testmod(risk_model, extraglobs=globs)
    assert (done.failed, done.attempted) == (0, 5)


def test_nothing_is_left_on_disk(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    model = adrisk.load(model_folder)
    model.score([f"{text} Call +1 212 555 0142." for text in TEXTS], evidence=True).flags()
    assert list(tmp_path.iterdir()) == []
