"""The suites are for judging: no model learns from them, and they are not made of what it learns.

A suite written from the phrase banks would measure memory, and so would one written from the
examples of the evidence rules, whose findings every model reads. So no form of the banks, no dozen
words of a generated ad and no example of a rule may stand in a case, and training opens no file of
the suites.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import regex

from adrisk.documents import read_yaml
from adrisk.evaluation.behaviour.suites import Case, load_suites
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.rulebook import load_rulebook
from adrisk.synthetic import phrase_bank as bank
from adrisk.synthetic.generate import generate
from adrisk.text.normalise import fold_text

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "evaluation" / "behaviour"
BANKS = Path(bank.__file__).parent
SHORTEST = {
    "phrases": 4,
    "settings": 6,
    "rules": 4,
}  # fewer words, such as "please be on time", are anybody's
RUN = 12

_WORD = regex.compile(r"[\p{L}\p{N}]+")
_SLOT = regex.compile(r"\{\w+\}")


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return load_suites(SUITES)


def words(text: str) -> list[str]:
    return _WORD.findall(fold_text(text).lower())


@pytest.fixture(scope="module")
def texts(cases: tuple[Case, ...]) -> list[str]:
    """The words of every text, a space on either side of each."""
    found = {text for case in cases for text in (case.text, case.pair) if text}
    return [f" {' '.join(words(text))} " for text in found]


def sentences(content: object) -> Iterator[str]:
    """Every sentence of a data file, however deep."""
    if isinstance(content, str):
        yield from content.split(" || ")
    elif isinstance(content, dict):
        for value in content.values():
            yield from sentences(value)
    elif isinstance(content, list):
        for value in content:
            yield from sentences(value)


def occurs(form: str, texts: Iterable[str]) -> bool:
    """Whether a form, with up to six words for each slot, stands in one of the texts."""
    parts = [" ".join(words(part)) for part in _SLOT.split(form)]
    longest = max(parts, key=len)
    near = [text for text in texts if longest in text]
    if not near:
        return False
    gap = r" (?:[\p{L}\p{N}]+ ){0,6}"
    pattern = regex.compile(f" {gap.join(regex.escape(part) for part in parts if part)} ")
    return any(pattern.search(text) for text in near)


@pytest.mark.slow
@pytest.mark.parametrize("language", bank.LANGUAGES)
def test_no_form_of_the_phrase_banks_stands_in_a_case(texts: list[str], language: str) -> None:
    forms = {
        form
        for folder in ("phrases", "settings")
        for form in sentences(read_yaml(BANKS / folder / f"{language}.yaml"))
        if len(words(_SLOT.sub(" ", form))) >= SHORTEST[folder]
    }
    assert len(forms) > 300
    assert [form for form in forms if occurs(form, texts)] == []


def test_a_form_is_found_whatever_stands_in_its_slots() -> None:
    text = f" {' '.join(words('Come soon. You pay us £40 or more on signing, in cash.'))} "
    assert occurs("You pay us {fee} on signing", [text])
    assert not occurs("You pay us {fee} at the end", [text])


@pytest.mark.slow
def test_no_case_shares_a_dozen_words_in_a_row_with_a_generated_ad(
    cases: tuple[Case, ...],
) -> None:
    generated: set[tuple[str, ...]] = set()
    for ads in generate(4_000, seed=3, prevalence=0.3):
        for text in ads["text"].to_pylist():
            generated.update(runs(words(text)))
    assert len(generated) > 10_000
    assert [
        c.id for c in cases if generated & set(runs(words(c.text + ". " + (c.pair or ""))))
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_example_of_a_rule_stands_in_a_case(texts: list[str], language: str) -> None:
    """Whichever side the rule has it on: what it finds, and what it leaves."""
    examples = {
        f" {' '.join(words(example))} "
        for rule in load_rulebook(language).rules
        for example in (*rule.finds, *rule.leaves)
        if len(words(example)) >= SHORTEST["rules"]
    }
    assert len(examples) > 200
    assert [one for one in examples if any(one in text for text in texts)] == []


def runs(found: list[str]) -> list[tuple[str, ...]]:
    return [tuple(found[at : at + RUN]) for at in range(len(found) - RUN + 1)]


TRAIN = """
import sys
from pathlib import Path
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
from adrisk.config import ModelConfig
from adrisk.training.corpus import load_corpus
from adrisk.training.train import fit_model, split_corpus
corpus = load_corpus(["synthetic:400"])
fit_model(ModelConfig(family="ngram", parameters={"bits": 12}), corpus, split_corpus(corpus, 0))
assert any("phrases" in path for path in opened), "the hook heard nothing"
suites = Path("evaluation").resolve()
print([path for path in opened if Path(path).resolve().is_relative_to(suites)])
"""


@pytest.mark.slow
def test_training_opens_no_file_of_the_suites() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRAIN], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
