"""What the processes of a scoring run are forked with."""

from __future__ import annotations

import gc
import importlib
import sys

import pytest

from adrisk.batch import make_batch
from adrisk.rules import matcher as reader
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.rulebook import load_rulebook


@pytest.mark.slow
def test_what_the_examples_of_the_rule_books_ask_for_is_compiled_before_any_process_is_forked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gc, "freeze", lambda: None)
    reader.clear_caches()
    sys.modules.pop("adrisk.scoring.preload", None)
    importlib.import_module("adrisk.scoring.preload")
    asked = []
    monkeypatch.setattr(reader.LanguageMatcher, "_compile", lambda _, number: asked.append(number))
    for language in LANGUAGES:
        texts = [text for rule in load_rulebook(language).rules for text in rule.finds]
        assert len(make_batch(texts, [language] * len(texts)).rule_hits.ad) > len(texts) / 2
    assert asked == []
