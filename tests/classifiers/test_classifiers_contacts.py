"""No model keeps a contact of the ads it learned from, or scores an ad by which one it has."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adrisk.api import fit_model, load_corpus, score
from adrisk.batch import TextBatch, make_batch, prepare_ads
from adrisk.classifiers import FAMILIES
from adrisk.config import ModelConfig
from adrisk.linking.unique_texts import unique_texts
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig
from adrisk.training.corpus import Corpus
from adrisk.training.train import split_corpus, training_profile
from builders import RISKY, make_ads, make_learning, make_texts
from families.keyword import KeywordClassifier

COUNT = 240
AREAS = (("202", "303", "404", "503", "602"), ("212", "305", "415", "512", "617"))


@dataclass(frozen=True, slots=True)
class Written:
    """A contact as it stands in an ad, and the strings that would give it away."""

    text: str
    secrets: tuple[str, ...]


def make_contact(number: int, areas: Sequence[str], rng: np.random.Generator) -> Written:
    """A phone, an address, a handle or a link, written in one of several ways."""
    area, line = areas[number % len(areas)], f"01{number % 100:02d}"
    digits = f"{area}555{line}"
    name = "".join(rng.choice(list("jkqvwxz"), size=6)) + f"{rng.integers(10, 99)}"
    phone = (digits, f"555{line}", f"555-{line}")
    kinds = (
        Written(f"call {area}-555-{line}", (f"{area}-555-{line}", *phone)),
        Written(f"whatsapp +1 ({area}) 555-{line}", (f"({area}) 555", *phone)),
        Written(f"text {area} five five 5 - {' '.join(line)}", (f"five 5 - {' '.join(line)}",)),
        Written(f"write to {name}@example.org", (name, f"{name}@example.org", "example.org")),
        Written(f"write to {name} (at) example (dot) org", (name, "(at) example")),
        Written(f"telegram: @{name}", (name,)),
        Written(f"see https://example.org/{name}/room", (name, "example.org", "https")),
    )
    return kinds[number % len(kinds)]


def make_labelled(path: Path, seed: int) -> list[Written]:
    """A corpus of ads that each hold a contact; another seed changes the contacts alone."""
    rng = np.random.default_rng(seed)
    texts, truth = make_texts(COUNT, 60)
    texts = [text.replace(f"Ad {i}: ", "Ad: ") for i, text in enumerate(texts)]
    contacts = [make_contact(number, AREAS[seed], rng) for number in range(COUNT)]
    found = [["document_retention"] if t else ["worker_protection"] for t in truth]
    ads = make_ads(
        [f"{text} {contact.text}." for text, contact in zip(texts, contacts, strict=True)],
        risk=np.where(truth, 3, 0),
        indicators=found,
        campaigns=[f"c{number // 2}" for number in range(COUNT)],
    )
    pq.write_table(ads, path)
    return contacts


@dataclass(frozen=True, slots=True)
class Learned:
    """Contacts of a corpus, the corpus, and the folder of a model that learned from it."""

    contacts: list[Written]
    corpus: Corpus
    folder: Path

    @property
    def files(self) -> dict[str, bytes]:
        """The content of every file of the folder."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }


def learned(family: str, parameters: dict[str, Any], place: Path, seed: int) -> Learned:
    place.mkdir()
    contacts = make_labelled(place / "ads.parquet", seed)
    corpus = load_corpus([str(place / "ads.parquet")])
    split = split_corpus(corpus, 0)
    model = fit_model(ModelConfig(family=family, parameters=parameters), corpus, split)
    folder = place / "model"
    folder.mkdir()
    replace(model, profile=training_profile(model, corpus, split)).save(folder)
    return Learned(contacts, corpus, folder)


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def pair(
    request: pytest.FixtureRequest, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Learned, Learned]:
    """Two models of a family, whose ads differ in the digits and letters of their contacts."""
    tiny = {"encoder": str(tiny_encoder), "learning_rate": 1e-3, "epochs": 1}
    parameters: dict[str, dict[str, Any]] = {
        "ngram": {"bits": 12},
        "linear": {"min_df": 1},
        "encoder": tiny,
        "cascade": {"fast": {"bits": 12}, "encoder": tiny},
    }
    family, place = request.param, tmp_path_factory.mktemp("contacts")
    first, second = (
        learned(family, parameters[family], place / str(seed), seed) for seed in (0, 1)
    )
    return first, second


def test_no_file_of_a_model_folder_holds_a_contact_of_its_ads(pair: tuple[Learned, ...]) -> None:
    for of_corpus in pair:
        files = {name: content.lower() for name, content in of_corpus.files.items()}
        assert "summary.safetensors" in files
        for contact in of_corpus.contacts:
            for secret in contact.secrets:
                for name, content in files.items():
                    assert secret.lower().encode() not in content, name


def test_no_term_of_a_vocabulary_is_a_piece_of_a_contact(pair: tuple[Learned, ...]) -> None:
    for of_corpus in pair:
        for name, content in of_corpus.files.items():
            if name.endswith("vocabulary.json"):
                terms = [term for kind in json.loads(content).values() for term in kind]
                assert len(terms) > 500
                assert not [term for term in terms if re.search(r"\d|[jkqvwxz]{3}|@|://", term)]
                assert {"phone", "mail", "link", "id"} <= set(terms)


def test_a_model_of_ads_with_other_contacts_is_the_same_model(pair: tuple[Learned, ...]) -> None:
    first, second = pair
    assert first.corpus.fingerprint != second.corpus.fingerprint
    assert not {c.text for c in first.contacts} & {c.text for c in second.contacts}
    masked = [of_corpus.corpus.batch.folded for of_corpus in pair]
    assert masked[0].equals(masked[1])
    left, right = first.files, second.files
    manifests = [json.loads(files.pop("model.json")) for files in (left, right)]
    for files in (left, right):
        files.pop("model.sha256")  # of model.json
    assert left == right
    for manifest in manifests:
        for of_this_corpus in ("fingerprint", "sources"):
            del manifest["trained_on"][of_this_corpus]
    assert manifests[0] == manifests[1]


def test_an_ad_scores_alike_whatever_its_contact(pair: tuple[Learned, ...]) -> None:
    model = Model.load(pair[0].folder)
    risk = model.score(
        [f"{RISKY}, {contact}" for contact in ("call 202-555-0143", "call 404-555-0199")]
    ).risk
    assert risk[0] == risk[1]


def test_a_family_of_ones_own_reads_no_contact() -> None:
    batch, targets = make_learning()
    model = KeywordClassifier(words=["passport", "555", "jkqv"]).fit(batch, targets)
    ads = make_batch([f"{RISKY} 202-555-0143 @jkqv_99", RISKY], ["en", "en"])
    risk = model.margins(ads).risk
    np.testing.assert_array_equal(risk[0], risk[1])
    assert model.contributions(ads.take([0])).shape == (1, len(ads.raw[0].as_py()))


def test_that_there_is_a_contact_is_learned() -> None:
    texts, truth = make_texts(120, 40)
    ads = [
        f"{text.replace(RISKY, '')} {'202-555-0143' if risky else ''}"
        for text, risky in zip(texts, truth, strict=True)
    ]
    _, targets = make_learning()
    targets = replace(
        targets,
        indicators=truth[:, None].astype(np.float64),
        risk=np.where(truth, 2, 0).astype(np.int64),
    )
    model = FAMILIES["ngram"](bits=14, findings=False).fit(make_batch(ads, ["en"] * 120), targets)
    risk = model.margins(make_batch(["hotel night shift 404-555-0199", "hotel night shift"])).risk
    assert risk[0, 1] > risk[1, 1] + 1


LONDON = "Call 20 7946 0123, hotel night shift. " + RISKY
"""A phone in the United Kingdom; nowhere else would it be taken for one."""


class Eavesdropper:
    """A classifier that notes what it is given to read."""

    def __init__(self, inside: Any) -> None:
        self._inside = inside
        self.read: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inside, name)

    def margins(self, batch: TextBatch) -> Any:
        self.read += batch.folded.to_pylist()
        return self._inside.margins(batch)

    def contributions(self, batch: TextBatch) -> Any:
        self.read += batch.folded.to_pylist()
        return self._inside.contributions(batch)


def in_london(texts: list[str]) -> pa.Table:
    ads = make_ads(texts)
    column = ads.schema.get_field_index("location")
    places = pa.array(["London, United Kingdom"] * len(ads), ads.schema.field(column).type)
    return ads.set_column(column, ads.schema.field(column), places)


@pytest.fixture
def heard(model_folder: Path) -> tuple[Model, Eavesdropper]:
    model = Model.load(model_folder)
    listener = Eavesdropper(model.classifier)
    return replace(model, classifier=listener), listener  # type: ignore[arg-type]


def test_scoring_and_explaining_mask_by_the_region_of_the_ad(
    heard: tuple[Model, Eavesdropper], tmp_path: Path
) -> None:
    model, listener = heard
    ads = in_london([LONDON, *make_texts(20, 2)[0]])
    pq.write_table(ads, tmp_path / "ads.parquet")
    policy = PolicyConfig(review_at=0.01, urgent_at=0.9, capacity=20)
    score(model, [str(tmp_path / "ads.parquet")], tmp_path / "out", tmp_path / "ws", policy=policy)
    seen = [text for text in listener.read if text.startswith("call")]
    masked = prepare_ads(ads).folded[0].as_py()
    assert masked.startswith("call [phone]     , hotel")
    assert len(seen) == 2  # scored, then explained
    assert set(seen) == {masked}


def test_training_scoring_and_single_calls_read_the_same_text(
    heard: tuple[Model, Eavesdropper], tmp_path: Path
) -> None:
    model, listener = heard
    ads = in_london([LONDON])
    pq.write_table(ads, tmp_path / "ads.parquet")
    trained = load_corpus([str(tmp_path / "ads.parquet")]).batch.folded.to_pylist()
    found = unique_texts(ads)
    scored = make_batch(found.texts, found.languages, found.regions).folded.to_pylist()
    model.score(ads)
    assert trained == scored == listener.read


def test_without_a_place_the_language_says_the_region() -> None:
    french = "Appelez le 06 39 98 01 23 ce soir"
    alone = make_batch([french], ["fr"])
    assert alone.regions == ["FR"]
    assert prepare_ads(pa.table({"text": [french], "language": ["fr"]})).folded == alone.folded
    assert not set(string.digits) & set(alone.folded[0].as_py())
