"""Which ads a model should not judge: unreadable, too short, or in a language it did not learn.

In: folded texts, languages, and the languages of the training ads. Out: a reason for each ad, or
none. A low score of such an ad means nothing, so it is never called clear; a high one means as
little. An ad whose language nobody knows is judged: not knowing is no evidence of a foreign ad.

What of single ads stands apart from their risk: what escalates, and what is not judged.

In: a model, a batch of texts, and its predictions. Out: bits and `AdExceptions`, for scoring and
for every figure about flags.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import regex
from numpy.typing import NDArray

from adrisk.batch import TextBatch
from adrisk.model.model import Model, Predictions
from adrisk.model.profile import ENOUGH_ADS
from adrisk.policy.queue import ESCALATE_AT, AdExceptions
from adrisk.rules.taxonomy import Taxonomy, check_known
from adrisk.text.arrow import joined_bytes, text_list
from adrisk.types import ArrowArray, ArrowValues

LEAST_WORDS = 4
"""An ad of fewer words says too little for a score."""

LEAST_LETTERS = 0.3
"""Of the visible characters; with fewer an ad is no text."""

LEAST_DIFFERENT = 5
"""Different letters; with fewer an ad is one character over and over."""


class AbstainReason(IntEnum):
    """Why an ad is not judged; `JUDGED` where it is."""

    JUDGED = 0
    UNREADABLE = 1
    TOO_SHORT = 2
    LANGUAGE = 3


INCOMPLETE_BECAUSE = {
    AbstainReason.UNREADABLE: (
        "unreadable: mostly signs instead of letters, or one letter over and over"
    ),
    AbstainReason.TOO_SHORT: f"too short to judge: fewer than {LEAST_WORDS} words",
    AbstainReason.LANGUAGE: "in a language that the model has not learned from enough ads",
}
"""In words for a manifest."""


def abstain_text(code: AbstainReason, language: str | None, known: frozenset[str]) -> str:
    """Why an ad of this language is not judged, in words, by a model that knows these.

    >>> abstain_text(AbstainReason.LANGUAGE, "de", frozenset({"es", "en"}))
    'in language de; the model learned from en, es'
    """
    if code is AbstainReason.LANGUAGE:
        return f"in language {language}; the model learned from {', '.join(sorted(known))}"
    return INCOMPLETE_BECAUSE[code]


# Taken at first sight, whatever is not ASCII is a letter; a doubtful text is looked at again.
_ENOUGH = rf"(?:[a-z\x{{80}}-\x{{10ffff}}]+[\x00-`{{-\x7f]+){{{LEAST_WORDS}}}"
_LETTER = regex.compile(r"\p{L}")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*")
# Scripts without blanks: two letters of theirs say as much as a word.
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}&&\p{L}]", regex.V1
)
_SEEN_FIRST = 120  # characters in which a normal text shows enough different letters
_GLANCE = 48  # bytes in which most do, counting what is ASCII alone
_ALPHABET = 26


def unreadable(folded: ArrowArray) -> NDArray[np.int8]:
    """`AbstainReason` of each text for what it is made of, shape (n,), whatever its language.

    >>> unreadable(pa.array(["we keep your passport here", "!!!!!!", "work today"])).tolist()
    [0, 1, 2]
    """
    reasons = np.zeros(len(folded), dtype=np.int8)
    if not len(folded):
        return reasons
    enough = pc.match_substring_regex(folded, _ENOUGH).to_numpy(zero_copy_only=False)
    doubtful = np.flatnonzero(_doubtful(folded) | ~enough)
    texts = text_list(folded.take(doubtful))
    reasons[doubtful] = [_closely(text) for text in texts]
    return reasons


def _closely(text: str) -> AbstainReason:
    letters = _LETTER.findall(text)
    few = len(letters) < LEAST_LETTERS * len("".join(text.split()))
    if few or not letters or (len(letters) > 8 and len(set(letters)) < LEAST_DIFFERENT):
        return AbstainReason.UNREADABLE
    words = len(_WORD.findall(text)), len(_UNSPACED.findall(text)) // 2
    return AbstainReason.TOO_SHORT if max(words) < LEAST_WORDS else AbstainReason.JUDGED


def _doubtful(folded: ArrowArray) -> NDArray[np.bool_]:
    """Texts of few Latin letters, or of few different ones: to be looked at letter by letter."""
    content, bounds = joined_bytes(folded)
    lengths = np.diff(bounds)
    full = np.flatnonzero(lengths)
    few = np.zeros(len(folded), dtype=np.bool_)
    latin = (content - np.uint8(ord("a")) < _ALPHABET).view(np.uint8)
    few[full] = np.add.reduceat(latin, bounds[full], dtype=np.int64) < 0.5 * lengths[full]
    same = _at_a_glance(content, bounds) < 2 * LEAST_DIFFERENT
    rows = np.flatnonzero(same)
    texts = text_list(folded.take(rows))
    same[rows] = [len(set(text[:_SEEN_FIRST])) < 2 * LEAST_DIFFERENT for text in texts]
    return np.asarray(few | same)


def _at_a_glance(content: NDArray[np.uint8], bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """At least so many different characters each text begins with, shape (n,)."""
    seen = np.zeros((len(bounds) - 1, 256), dtype=np.bool_)
    rows = np.flatnonzero(np.diff(bounds))[:, None]
    places = np.minimum(bounds[rows] + np.arange(_GLANCE), bounds[rows + 1] - 1)
    seen[rows, content[places]] = True
    return np.asarray(seen[:, :128].sum(axis=1))


def known_languages(trained_on: Mapping[str, int]) -> frozenset[str]:
    """The languages a model learned from `ENOUGH_ADS` or more; none where it does not know.

    >>> sorted(known_languages({"en": 900, "pt": 60, "de": 3, "unknown": 400}))
    ['en', 'pt']
    """
    return frozenset(
        name for name, ads in trained_on.items() if ads >= ENOUGH_ADS and name != "unknown"
    )


def abstain_reasons(
    reasons: NDArray[np.int8], languages: ArrowValues, known: frozenset[str]
) -> NDArray[np.int8]:
    """The reasons of n ads, those in a language outside `known` among them.

    Args:
        reasons: of their texts; a reason that is there already stays.
        languages: codes or null; null is judged.
        known: `known_languages`; where there is none, every language is judged.
    """
    if not known:
        return reasons
    languages = languages.cast(pa.string())
    foreign = pc.and_kleene(
        pc.is_valid(languages),
        pc.invert(pc.is_in(languages, value_set=pa.array(sorted(known), pa.string()))),
    )
    foreign = np.asarray(_values(foreign), dtype=np.bool_)
    return np.where((reasons == 0) & foreign, np.int8(AbstainReason.LANGUAGE), reasons).astype(
        np.int8
    )


def _values(column: ArrowValues) -> NDArray[np.generic]:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.asarray(whole.to_numpy(zero_copy_only=False))


def check_indicators(model: Model) -> None:
    """Refuse a model with indicators of a platform whose taxonomy file is not in use.

    Raises:
        UsageError: naming them and the option that brings them.
    """
    named = f"the model {model.manifest.name} {model.version}"
    check_known(model.labels, named, model.rules.taxonomy)


def escalation_bits(model: Model, batch: TextBatch, answers: Predictions) -> NDArray[np.uint64]:
    """The escalating indicators of each text as bits: found by rules, or likely."""
    taxonomy = batch.rules.taxonomy
    bits = np.zeros(len(batch), dtype=np.uint64)
    present, _ = batch.rule_hits.states(len(taxonomy.text_ids))
    for i, name in enumerate(taxonomy.escalating):
        shown = present[:, taxonomy.text_ids.index(name)]
        if name in model.manifest.calibration.calibrated:
            likely = answers.indicators[:, model.labels.index(name)]
            shown = shown | (likely >= np.float32(ESCALATE_AT))
        bits |= shown.astype(np.uint64) << np.uint64(i)
    return bits


def escalating_names(bits: int, taxonomy: Taxonomy) -> tuple[str, ...]:
    """The escalating indicators of one text, from its bits."""
    return tuple(name for i, name in enumerate(taxonomy.escalating) if bits >> i & 1)


def ad_exceptions(model: Model, batch: TextBatch, answers: Predictions) -> AdExceptions:
    """The ads that escalate, and those that scoring would leave to people as incomplete."""
    known = known_languages(model.manifest.trained_on.languages)
    languages = pa.array(list(batch.languages), pa.string())
    reasons = abstain_reasons(unreadable(batch.unmasked), languages, known)
    return AdExceptions(escalation_bits(model, batch, answers) > 0, reasons > 0)
