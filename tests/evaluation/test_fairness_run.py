"""Fairness figures of a model: groups from columns and words, swaps, and the page from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk.api import Corpus, load_corpus
from adrisk.classifiers.base import Margins
from adrisk.errors import CorpusError
from adrisk.evaluation.fairness.run import dimensions, fairness, fairness_page
from adrisk.evaluation.fairness.swap_test import NoSwaps
from adrisk.model.calibration import Calibration
from adrisk.model.model import Model
from builders import HONEST, RISKY, make_ads


@pytest.fixture(scope="module")
def model(model_folder: Path) -> Model:
    return Model.load(model_folder)


def make_corpus(path: Path, count: int = 160) -> Corpus:
    """New ads: half of them of Romanians, a tenth risky, in two cities, each a campaign."""
    words = np.random.default_rng(5)
    rows = []
    for i in range(count):
        people = "Romanian crew" if i % 2 else "Mixed crew"
        end = RISKY if i % 10 == 0 else HONEST
        noise = " ".join(f"w{n}" for n in words.integers(0, 5000, 12))
        rows.append(
            {
                "text": f"{people} in Leeds, ladies and gentlemen. {noise}. {end}.",
                "language": "en",
                "risk": 3 if i % 10 == 0 else 0,
                "location": "Leeds, United Kingdom" if i % 3 else "Perth, Australia",
                "category": "Farm",
            }
        )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_corpus([str(path)])


def test_groups_come_from_columns_and_words() -> None:
    ads = make_ads(["Romanian cook wanted", "Cook wanted", "Cook from Nepal", "Polish the floor"])
    places = pa.array(["Leeds, England", "Perth, Australia", None, "Leeds, England"])
    sectors = pa.array(["Farm", "farm", None, ""])
    ads = ads.set_column(ads.column_names.index("location"), "location", places)
    ads = ads.set_column(ads.column_names.index("category"), "category", sectors)
    found = dimensions(ads)
    members = {
        name: {group: np.flatnonzero(rows).tolist() for group, rows in dimension.groups.items()}
        for name, dimension in found.items()
    }
    assert members["region"] == {"AU": [1], "GB": [0, 3]}
    assert members["sector"] == {"farm": [0, 1]}
    assert members["nationality"] == {
        "any nationality": [0, 2],
        "no nationality": [1, 3],
        "NP": [2],
        "RO": [0],
    }


def test_provinces_are_groups_as_they_are_written() -> None:
    ads = make_ads([f"Cook {i}" for i in range(120)])
    places = pa.array(["Valencia"] * 60 + ["León"] * 60)
    ads = ads.set_column(ads.column_names.index("location"), "location", places)
    assert sorted(dimensions(ads)["region"].groups) == ["León", "Valencia"]


def test_nationality_is_unknown_where_the_language_has_no_words() -> None:
    found = dimensions(make_ads(["Köche gesucht"], language="de"))["nationality"]
    assert not found.known.any()


@pytest.mark.slow
def test_a_model_that_does_not_read_nationality_passes_the_swap_test(
    model: Model, tmp_path: Path
) -> None:
    corpus = make_corpus(tmp_path / "a.jsonl")
    found = fairness(model, corpus, [corpus], budgets=(0.05,), resamples=50)
    at = found.unseen.at["0.05"]
    assert found.unseen.lawful == 144
    assert at.groups["nationality"].groups["any nationality"].n == 80
    assert at.groups["nationality"].differ == ()
    assert at.groups["language"].groups["en"].false_positive_rate.n == 144
    # Held to be lawful, the sixteen risky ads count as flagged wrongly.
    (lawful,) = found.lawful.values()
    assert lawful.at["0.05"].false_positive_rate.value > 0.05
    assert found.swaps.nationality.ads == 80
    assert found.swaps.nationality.largest < 0.05
    assert found.swaps.gender.swaps == 160
    assert found.swaps.nationality.findings_changed.value == 0.0
    page = fairness_page(found)
    assert "| nationality: any nationality | 80 |" in page
    assert all(f"| {kind} |" in page for kind in found.swaps.traits)


@pytest.mark.slow
def test_ads_that_scoring_leaves_to_people_are_neither_flagged_nor_cleared(
    model: Model, tmp_path: Path
) -> None:
    corpus = make_corpus(tmp_path / "a.jsonl")
    languages = pa.array(["ca"] * 60 + ["en"] * 100, pa.string())
    path = tmp_path / "b.parquet"
    at = corpus.ads.schema.get_field_index("language")
    pq.write_table(corpus.ads.set_column(at, corpus.ads.schema.field(at), languages), path)
    other = load_corpus([str(path)])
    (found,) = fairness(model, corpus, [other], budgets=(0.05,), resamples=50).lawful.values()
    assert (found.ads, found.judged) == (160, 100)
    assert found.incomplete.value == 60 / 160
    decided = found.at["0.05"]
    scored = model.predict(other.batch).risk >= decided.threshold
    assert scored[:60].any()  # by score alone some of the sixty would be flagged
    assert decided.flagged == scored[60:].sum() > 5
    catalan = decided.groups["language"].groups["ca"]
    assert (catalan.n, catalan.judged, catalan.incomplete.value) == (60, 0, 1.0)
    assert catalan.false_positive_rate is None
    spoken = decided.groups["language"].groups["en"]
    assert spoken.judged == 100
    assert spoken.false_positive_rate.value == decided.flagged / 100


class Fearless:
    """A classifier that finds no ad risky."""

    labels_: tuple[str, ...] = ()

    def margins(self, batch: object) -> Margins:
        count = len(batch)  # type: ignore[arg-type]
        return Margins(np.zeros((count, 0)), np.full((count, 3), -9.0))


@pytest.mark.slow
def test_an_escalated_lawful_ad_is_a_wrong_flag_whatever_its_risk(
    model: Model, tmp_path: Path
) -> None:
    under_age = "Harvest work in the north. 16 and over welcome, no papers checked"
    rows = [
        {"text": f"{under_age if i % 4 == 0 else HONEST} number {i * 37}.", "risk": 0}
        for i in range(80)
    ]
    words = np.random.default_rng(3)
    for row in rows:
        noise = " ".join(f"w{n}" for n in words.integers(0, 5000, 30))
        row |= {"text": f"{row['text']} {noise}.", "language": "en"}
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plain = Calibration(np.zeros(0), np.zeros(0), np.ones(3), np.zeros(3), ())
    fearless = replace(
        model,
        classifier=Fearless(),
        calibration=plain,
        manifest=model.manifest.model_copy(
            update={"calibration": model.manifest.calibration.model_copy(update={"calibrated": ()})}
        ),
    )
    found = fairness(fearless, load_corpus([str(path)]), budgets=(0.05,), resamples=50)
    at = found.unseen.at["0.05"]
    assert at.flagged == 20
    assert at.false_positive_rate.value == 0.25


@pytest.mark.slow
def test_rules_find_the_same_of_every_nation_that_is_swapped(model: Model, tmp_path: Path) -> None:
    rows = [
        {
            "text": f"Cook {i}. Only workers from Nepal. Bed {i * 7}.",
            "language": "en",
            "risk": i % 2,
        }
        for i in range(60)
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    swaps = fairness(model, load_corpus([str(path)]), budgets=(0.05,), resamples=50).swaps
    assert swaps.nationality.findings_changed.value == 0.0
    assert swaps.city == swaps.name == NoSwaps(swaps=0)


class Prejudiced:
    """A classifier that minds one word."""

    labels_: tuple[str, ...] = ()

    def margins(self, batch: object) -> Margins:
        texts: Sequence[str] = batch.raw.to_pylist()  # type: ignore[attr-defined]
        risk = np.array([3.0 if "Romanian" in text else -3.0 for text in texts])
        return Margins(np.zeros((len(texts), 0)), np.repeat(risk[:, None], 3, axis=1))


@pytest.mark.slow
def test_a_model_that_minds_a_nationality_is_found_out(model: Model, tmp_path: Path) -> None:
    plain = Calibration(np.zeros(0), np.zeros(0), np.ones(3), np.zeros(3), ())
    biased = replace(model, classifier=Prejudiced(), calibration=plain)
    found = fairness(biased, make_corpus(tmp_path / "a.jsonl"), budgets=(0.05,), resamples=50)
    assert found.swaps.nationality.over.value == 1.0
    assert found.swaps.nationality.largest > 0.8
    assert found.swaps.city.largest == 0.0


@pytest.mark.slow
def test_a_corpus_that_the_model_learned_from_is_refused(model: Model, corpus_file: Path) -> None:
    ads = load_corpus([str(corpus_file)])
    rows = np.flatnonzero(model.training_ids.part_of(ads.ads["ad_id"]) >= 0)
    path = corpus_file.parent / "learned.parquet"
    pq.write_table(ads.ads.take(pa.array(rows)), path)
    with pytest.raises(CorpusError, match="bring ads it did not learn from"):
        fairness(model, load_corpus([str(path)]))
