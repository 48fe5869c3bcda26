"""Result files and their pages, held byte by byte: made by hand, and as they lie in git.

To renew a golden copy, delete it below tests/golden, run its test twice and read the difference.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from adrisk import __version__
from adrisk.api import Corpus, behave, drift, load_corpus
from adrisk.errors import UsageError
from adrisk.evaluation.behaviour.run import behaviour_table
from adrisk.evaluation.behaviour.suites import load_suites
from adrisk.evaluation.drift.results import DriftResult
from adrisk.evaluation.drift.run import drift_page, drift_table
from adrisk.evaluation.fairness.run import FairnessResult, fairness, fairness_page
from adrisk.evaluation.faithfulness import FaithfulnessResult, faithfulness
from adrisk.evaluation.release_manifest import read_release
from adrisk.metrics.figures import AsGiven, Figure, Result, read_result
from builders import HONEST, RISKY
from keyword_model import make_model

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "evaluation" / "results"
SUITE = f"""
negated:
  - id: n1
    text: "Kitchen team wanted. {RISKY}."
    pair: "Kitchen team wanted. {HONEST}."
    expect: higher
  - id: n2
    text: "Kitchen team wanted. {HONEST}. <b>+1 202 555 0143</b>"
    pair: "Kitchen team wanted. {RISKY}."
    expect: higher
    of: document_retention
  - id: n3
    text: "Kitchen team wanted. {RISKY}."
    pair: "Kitchen team wanted. {HONEST}."
    expect: higher
    of: exit_penalty
single_weak:
  - id: w1
    text: "Kitchen team wanted. {HONEST}."
    expect: below
swapped_name:
  - id: s1
    text: "Kitchen team wanted, ask for Emily. Passport or contract."
    pair: "Kitchen team wanted, ask for Fatima. Passport or contract."
    expect: same
"""


def held(name: str, content: str) -> None:
    """Compare with the golden copy of this name; where there is none, write it and fail."""
    path = GOLDEN / name
    if not path.exists():
        path.write_text(content, encoding="utf-8", newline="\n")
        pytest.fail(f"{path} was missing and is written now; read it and run again")
    assert content == path.read_bytes().decode("utf-8")


def text_of(content: dict[str, object]) -> str:
    """The text that `write_json` would leave."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def make_corpus(path: Path, count: int = 160) -> Corpus:
    """Half of them of Romanians, an eighth risky, some in a language that is not judged."""
    rows = []
    for i in range(count):
        people = "Romanian crew" if i % 2 else "Mixed crew"
        end = RISKY if i % 8 == 0 else HONEST
        noise = " ".join(f"w{(i * 31 + n * 97) % 5000}" for n in range(12))
        city = "Leeds" if i % 3 else "Perth"
        rows.append(
            {
                "text": f"{people} in {city}, ladies and gentlemen, ask for Emily. {noise}. {end}.",
                "language": "ca" if i >= count - 40 else "en",
                "risk": 3 if i % 8 == 0 else 0,
                "location": "Leeds, United Kingdom" if i % 3 else "Perth, Australia",
                "category": "Farm|<b>" if i % 40 else "Hotel",
            }
        )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_corpus([str(path)])


@pytest.mark.slow
def test_fairness_and_its_page_are_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    corpus, other = make_corpus(Path("ads.jsonl")), make_corpus(Path("other.jsonl"), 120)
    found = fairness(make_model(), corpus, [other], most=60, resamples=40)
    held("fairness.json", text_of(found.to_json()))
    held("fairness.md", fairness_page(found))


@pytest.mark.slow
def test_faithfulness_is_as_it_was(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "ads.jsonl")
    found = faithfulness(make_model(), corpus, budget=0.05, draws=2, resamples=40)
    held("faithfulness.json", text_of(found.to_json()))


@pytest.mark.parametrize(("name", "ads"), [("drift", 240), ("drift-few", 60)])
def test_drift_and_its_page_are_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, ads: int
) -> None:
    monkeypatch.chdir(tmp_path)
    make_drifted(Path("ads.jsonl"), ads)
    done = drift(make_model(), ["ads.jsonl"], tmp_path / "out")
    content = done.files[0].read_text(encoding="utf-8")
    held(f"{name}.json", content.replace(f'"adrisk_version": "{__version__}"', '"adrisk_version"'))
    held(f"{name}.md", done.files[1].read_text(encoding="utf-8"))
    held(f"{name}.txt", drift_table(done.results) + "\n")


def make_drifted(path: Path, count: int) -> None:
    """Ads in three languages, with other words and more risk than in training."""
    rows = [
        {
            "ad_id": f"a{i}",
            "text": f"Anunciado {i * 37}: cozinha w{i * 7919 % 10007} w{i * 104729 % 99991} "
            f"{'noite ' * (i % 5)}{RISKY if i % 4 == 0 else HONEST}.",
            "language": ("en", "es", "pt")[i % 3],
        }
        for i in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_foreign_name_ends_no_cell_of_the_drift_page_and_becomes_no_markup() -> None:
    text = (GOLDEN / "drift.json").read_text(encoding="utf-8")
    text = text.replace('"adrisk_version"', f'"adrisk_version": "{__version__}"')
    text = text.replace('"pt": 80', '"p|t <i>": 80').replace("document_retention", "a|b [c](d)")
    page = drift_page(DriftResult.model_validate_json(text))
    assert "trained on: p\\|t &lt;i&gt; 80." in page
    assert "| a\\|b \\[c\\](d) | 10.0% |" in page
    assert "<i>" not in page


def test_behaviour_and_its_page_are_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "en.yaml").write_text(SUITE, encoding="utf-8")
    spanish = SUITE.replace("Kitchen team wanted", "Se busca cocinero")
    (tmp_path / "es.yaml").write_text(spanish, encoding="utf-8")
    done = behave(make_model(), load_suites(tmp_path), tmp_path / "out")
    held("behaviour.json", done.files[0].read_text(encoding="utf-8"))
    page = re.sub(r"(?s)<style>.*?</style>", "<style></style>", done.files[1].read_text("utf-8"))
    held("behaviour.html", re.sub(r"sha256-[^']+", "sha256-", page))
    held("behaviour.txt", behaviour_table(done.results) + "\n")


def test_the_fairness_results_in_git_are_read_and_written_back_byte_by_byte() -> None:
    path = RESULTS / "fairness.json"
    found = read_result(path, FairnessResult)
    assert text_of(found.to_json()) == path.read_text(encoding="utf-8")
    page = (ROOT / "evaluation" / "fairness.md").read_text(encoding="utf-8")
    assert "\n" + fairness_page(found) in page


def test_the_faithfulness_results_in_git_are_read_and_written_back_byte_by_byte() -> None:
    path = RESULTS / "faithfulness.json"
    found = read_result(path, dict[str, FaithfulnessResult])
    content = {family: result.to_json() for family, result in found.items()}
    assert text_of(content) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(ROOT.glob("models/*/manifest.json")), ids=str)
def test_the_manifests_of_releases_are_read_and_written_back_byte_by_byte(path: Path) -> None:
    manifest = read_release(path.parent)
    assert text_of(manifest.to_json()) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"unseen": {"judgd": 1}}, "unseen.judgd: extra inputs are not permitted"),
        ({"least": {"ads": "many"}}, "least.ads: input should be a valid integer"),
    ],
)
def test_a_wrong_key_or_value_in_a_result_file_is_named_with_its_place(
    tmp_path: Path, wrong: dict[str, dict[str, object]], place: str
) -> None:
    content = json.loads((GOLDEN / "fairness.json").read_text(encoding="utf-8"))
    for part, change in wrong.items():
        content[part] |= change
    path = tmp_path / "fairness.json"
    path.write_text(text_of(content))
    with pytest.raises(UsageError, match=f"fairness.json: {place}.*make it anew"):
        read_result(path, FairnessResult)


def test_a_file_that_is_missing_or_no_json_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "fairness.json"
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_result(path, FairnessResult)
    path.write_text("{")
    with pytest.raises(UsageError, match="cannot be read as JSON"):
        read_result(path, FairnessResult)


class Counts(AsGiven):
    """A figure that is asked for, and one that need not be."""

    n: int
    recall: Figure | None = None


def test_a_null_that_was_given_is_kept_where_keys_are_as_given() -> None:
    assert Counts(n=1).to_json() == {"n": 1}
    assert Counts(n=1, recall=None).to_json() == {"n": 1, "recall": None}


class Part(Result):
    """A key that is always there, and one that need not be."""

    low: float | None
    recall: Figure | None = None


def test_an_optional_key_is_left_out_and_a_null_is_kept() -> None:
    assert Part(low=None).to_json() == {"low": None}
    assert Part.model_validate_json('{"low": null, "recall": null}').to_json() == {"low": None}
