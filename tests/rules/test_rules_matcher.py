"""`find_rule_hits` and `match` give what every pattern searched in every sentence gives."""

import doctest
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import adrisk.rules.match as findings
from adrisk.rules import matcher
from adrisk.rules import plain_text as places
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.match import find_rule_hits, match_column
from adrisk.rules.matcher import resolve_overlaps
from adrisk.rules.plain_text import plain
from adrisk.rules.rulebook import load_rulebook
from adrisk.rules.ruleset import load_ruleset
from adrisk.rules.taxonomy import load_taxonomy
from adrisk.synthetic.generate import generate
from adrisk.text.normalise import fold, fold_column, fold_text
from adrisk.types import Evidence, State

IDS = load_taxonomy().text_ids


def one_by_one(raw, language):
    """Every pattern in every sentence, nothing remembered, nothing left out beforehand."""
    found = []
    for code in (language,) if language in LANGUAGES else LANGUAGES:
        found += read_by(load_rulebook(code), raw)
    return resolve_overlaps(found)


def read_by(book, raw):
    text = plain([fold_text(raw)])
    ends = [m.start() for m in ENDS.finditer(text.text)]
    sentences = list(pairwise([-1, *ends, len(text.text)]))
    nowhere = [
        (hit.start() - 600, hit.end() + 600)
        for phrase in book.disclaimers
        for before, end in sentences
        for hit in pattern(phrase.regex).finditer(text.text, before + 1, end)
    ]
    nowhere += [
        (before + 1, end)
        for phrase in book.hedges
        for before, end in sentences
        if pattern(phrase.regex).search(text.text, before + 1, end)
    ]
    for rule in book.rules:
        for phrase in rule.phrases:
            for before, end in sentences:
                yield from hits(book, rule, phrase, raw, text, before + 1, end, nowhere)
        for hit in (hit for shape in rule.raw_patterns for hit in shape.finditer(raw)):
            yield Evidence(rule.indicator, *hit.span(), rule.id, rule.state)


def hits(book, rule, phrase, raw, text, first, last, nowhere):
    for hit in pattern(phrase.regex).finditer(text.text, first, last):
        if any(pattern(u.regex).search(text.text, first, last) for u in rule.exceptions):
            return
        start, end = hit.span()
        denied = rule.negatable and bool(
            book.negator.search(text.text, max(first, start - 48), start)
            or (not rule.holds_negation and book.negation.search(text.text, start, end))
        )
        beside = any(begin < end and start < stop for begin, stop in nowhere)
        if (beside and not rule.unconditional) or (denied and rule.state is State.ABSENT):
            continue
        state = State.ABSENT if denied else rule.state
        span = fold(raw).span(*text.snap(start, end))
        yield Evidence(rule.indicator, *span, rule.id, state)


BLANK = r"[ \t\r\n\0*]"
ENDS = re.compile(
    rf"[!?;|\n\0]|\.(?={BLANK}|\Z)|(?:(?<={BLANK})|(?<!.))[-/](?={BLANK}|\Z)", re.DOTALL
)


@cache
def pattern(regex):
    return re.compile(regex, re.ASCII)


def as_found(ads, languages):
    """The columns of `find_rule_hits` as one list an ad: indicator, state, raw words."""
    folded = fold_column(pa.array(ads, pa.large_string()))
    columns = find_rule_hits(ads, folded, languages)
    rows = zip(*(getattr(columns, c).tolist() for c in FIELDS), strict=True)
    found = [[] for _ in ads]
    for ad, indicator, present, start, end in rows:
        state = State.PRESENT if present else State.ABSENT
        found[ad].append((IDS[indicator], state, *fold(ads[ad]).span(start, end)))
    return found


FIELDS = ("ad", "indicator", "present", "start", "end")


def short(evidence):
    return [[(e.indicator, e.state, e.start, e.end) for e in of_ad] for of_ad in evidence]


def synthetic(count, **options):
    (table,) = generate(count, seed=5, prevalence=0.4, **options)
    return table["text"].to_pylist(), table["language"].to_pylist()


def obscured(ads):
    """Each ad in another disguise, in turn."""
    ways = (
        lambda ad: ad.replace("a", "\u0430").replace("e", "\u0435"),
        lambda ad: ad.replace("s", "5").replace("o", "0"),
        lambda ad: re.sub(r"\w{6,}", lambda word: ".".join(word.group()), ad),
        lambda ad: re.sub(r"\w{6,}", lambda word: " ".join(word.group()), ad),
        lambda ad: "\u200b".join(ad),
        lambda ad: "".join(c + "\u0336" if c.isalpha() else c for c in ad),
        lambda ad: re.sub("[0-9]", lambda digit: chr(ord(digit.group()) + 0xFEE0), ad),
        str.upper,
    )
    return [ways[i % len(ways)](ad) for i, ad in enumerate(ads)]


@pytest.mark.parametrize("module", [findings, places, matcher])
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.slow
@pytest.mark.parametrize("disguise", [list, obscured], ids=["as they are", "obscured"])
def test_findings_are_those_of_every_rule_read_one_by_one(disguise):
    ads, languages = synthetic(48)
    ads, languages[::9] = disguise(ads), [None] * len(languages[::9])
    expected = [one_by_one(*ad) for ad in zip(ads, languages, strict=True)]
    assert match_column(ads, languages) == expected
    assert as_found(ads, languages) == short(expected)


def test_edited_copies_are_read_as_if_nothing_had_been_read_before():
    ads, languages = synthetic(400, duplicates=0.9, edited=1.0)
    together = as_found(ads, languages)
    matcher.clear_caches()
    assert as_found(ads, languages) == together
    for at in range(0, 400, 20):
        assert together[at : at + 1] == as_found(ads[at : at + 1], languages[at : at + 1])


PIECES = (
    "We keep your passport", "we never keep your passport", "Keep your passport. ", "never",
    "know your rights", "call our helpline\n", "if you ask", "You pay 300 euros for the visa! ",
    "take your time", "p.a.s.s.p.o.r.t", "we k e e p", "½ ", "ﬁnd ", "№ 5 – ", "\u200b", ", ", "; ",
    "２０２５５５０１４３ ", "2 0 2 5 5 5 0 1 4 3", "On garde votre passeport. ",
    "guardamos tu pasaporte", "no ",
)  # fmt: skip


@given(
    st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join), max_size=4),
    st.sampled_from([*LANGUAGES, None, "de"]),
)
def test_find_rule_hits_and_match_agree_on_any_text(ads, language):
    languages = [language] * len(ads)
    assert as_found(ads, languages) == short(match_column(ads, languages))


def test_findings_are_in_order_of_the_ads_and_typed():
    ads = ["Take your time", "We keep your passport", "Hello"]
    columns = find_rule_hits(ads, fold_column(pa.array(ads)), ["en", None, "en"])
    assert [getattr(columns, c).dtype for c in FIELDS] == [
        np.int64, np.int16, np.bool_, np.int32, np.int32
    ]  # fmt: skip
    assert columns.ad.tolist() == [0, 1]
    assert columns.present.tolist() == [False, True]


def test_no_ads_give_no_findings_and_uneven_columns_are_refused():
    assert len(find_rule_hits([], pa.array([], pa.large_string()), []).ad) == 0
    with pytest.raises(ValueError, match="1 texts need as many"):
        find_rule_hits(["a"], pa.array([], pa.large_string()), [])


def test_the_cache_of_sentences_stays_within_bounds(monkeypatch):
    monkeypatch.setattr(matcher, "_CACHED", 10)
    one = matcher.LanguageMatcher("en", load_ruleset())
    matches = one.match([f"we keep your passport, {i}. hello." for i in range(99)]).matches
    assert len(matches) == 99
    assert len(one._recent) <= 10
    assert len(one._older) <= 10


def test_threads_that_share_a_cache_find_the_same(monkeypatch):
    monkeypatch.setattr(matcher, "_CACHED", 30)
    ads, languages = synthetic(200, duplicates=0.5)
    expected = as_found(ads, languages)
    matcher.clear_caches()
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: as_found(ads, languages), range(8)))
    assert all(of_one == expected for of_one in found)
