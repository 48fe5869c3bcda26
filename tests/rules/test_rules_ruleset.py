"""Rule sets: two in one process, each with its own taxonomy, readers and results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from adrisk.api import fit_model, load_corpus
from adrisk.batch import make_batch
from adrisk.classifiers.rule_features import rule_feature_matrix, rule_feature_names
from adrisk.config import ModelConfig
from adrisk.errors import RunError
from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.labels.votes import RISK, rule_votes
from adrisk.model.model import Model
from adrisk.parallel import start_pool
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.match import match
from adrisk.rules.ruleset import Ruleset, load_ruleset
from adrisk.scoring.risk_model import RiskModel, explain_text
from adrisk.scoring.worker import ReaderSpec, TextReader, TextRequest
from adrisk.training.train import split_corpus

TEAPOT = "We keep a blue teapot in the kitchen for all of you."
OWN = "own_signal"


def write_platform(folder: Path, phrase: str = "blue teapot") -> Path:
    """A platform with one escalating indicator, shown by the phrases of a restricted list."""
    entry = {
        "id": OWN,
        "scope": "text",
        "kind": "x",
        "weight": "strong",
        "source": "our reviewers",
        "title": dict.fromkeys(LANGUAGES, "Own signal"),
        "definition": dict.fromkeys(LANGUAGES, "Something only our platform sees."),
        "contrast": "Anything else.",
    }
    content = {"indicators": [entry], "restricted": {OWN: "list.txt"}}
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    (folder / "list.txt").write_text(f"{phrase}\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Ruleset:
    return load_ruleset(write_platform(tmp_path_factory.mktemp("platform")))


def indicators(text: str, rules: Ruleset | None = None) -> set[str]:
    return {e.indicator for e in match(text, "en", rules)}


def test_two_rule_sets_in_one_process_give_their_own_results(ours: Ruleset) -> None:
    core = load_ruleset()
    for _ in range(2):  # what one remembers of a sentence is nothing to the other
        assert OWN in indicators(TEAPOT, ours)
        assert OWN not in indicators(TEAPOT, core)
        assert OWN not in indicators(TEAPOT)
    for rules, names in ((ours, {OWN}), (core, set())):
        batch = make_batch([TEAPOT], ["en"], rules=rules)
        ids = rules.taxonomy.text_ids
        assert {ids[number] for number in batch.rule_hits.indicator} == names
        assert batch.take([0]).rules is rules
        columns = rule_feature_names(rules.taxonomy)
        assert rule_feature_matrix(batch, columns).shape == (1, len(columns))
        assert (f"present:{OWN}" in columns) == bool(names)
        votes = rule_votes([TEAPOT], ["en"], [OWN], rules)
        assert (OWN in votes) == bool(names)
        assert votes[RISK].codes[0, 0] == (3 if names else 0)


def test_a_model_escalates_by_the_rules_it_was_loaded_with(
    ours: Ruleset, model_folder: Path
) -> None:
    with_ours, with_core = (Model.load(model_folder, rules=rules) for rules in (ours, None))
    assert explain_text(with_ours, TEAPOT).escalated == (OWN,)
    assert explain_text(with_core, TEAPOT).escalated == ()
    assert next(iter(RiskModel(with_ours).score([TEAPOT]))).escalated == (OWN,)
    assert next(iter(RiskModel(with_core).score([TEAPOT]))).escalated == ()


def test_a_model_keeps_the_rules_of_the_corpus_it_learned_from(
    ours: Ruleset, corpus_file: Path
) -> None:
    corpus = load_corpus([str(corpus_file)], rules=ours)
    assert corpus.targets.labels == ours.taxonomy.text_ids
    config = ModelConfig(family="ngram", parameters={"bits": 12})
    model = fit_model(config, corpus, split_corpus(corpus, 0))
    assert model.rules is ours
    assert model.manifest.rules == ours.fingerprint != load_ruleset().fingerprint


def test_equal_files_share_one_rule_set_and_a_changed_list_makes_another(tmp_path: Path) -> None:
    path = write_platform(tmp_path)
    first = load_ruleset(path)
    assert load_ruleset(path) is first
    write_platform(tmp_path, "green kettle")
    second = load_ruleset(path)
    assert OWN in indicators("A green kettle.", second)
    assert OWN not in indicators("A green kettle.", first)
    assert OWN in indicators(TEAPOT, first)


def make_spec(folder: Path, workspace: Path, rules: Ruleset) -> ReaderSpec:
    Pseudonymiser.open(workspace, "link")
    model = Model.load(folder).fingerprint
    return ReaderSpec(folder, "1", model, workspace, 0.5, rules.platform_file, rules.fingerprint)


@pytest.mark.slow
def test_worker_processes_ask_the_rules_of_the_platform(
    ours: Ruleset, model_folder: Path, tmp_path: Path
) -> None:
    request = TextRequest(pa.array([TEAPOT, "Hello."], pa.large_string()), [None] * 2, ["en"] * 2)
    bit = 1 << ours.taxonomy.escalating.index(OWN)
    for rules, expected in ((ours, [bit, 0]), (load_ruleset(), [0, 0])):
        with start_pool(make_spec(model_folder, tmp_path, rules), 1) as pool:
            ((records, _),) = pool.in_order(TextReader.__call__, [request])
        np.testing.assert_array_equal(records["escalate"], expected)


def test_a_worker_refuses_rules_that_changed_meanwhile(
    ours: Ruleset, model_folder: Path, tmp_path: Path
) -> None:
    spec = replace(make_spec(model_folder, tmp_path, ours), rules="0" * 64)
    with pytest.raises(RunError, match=r"own\.yaml changed while ads were scored"):
        spec()
