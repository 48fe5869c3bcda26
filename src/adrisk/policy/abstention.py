"""Abstention: ads too unreadable, too short or in an unsupported language, and ads that escalate.

In: a batch, the model and its predictions. Out: an `AbstainReason` for each ad, the escalating
indicators as bits, and both as `AdExceptions`, for scoring and for every figure on flags. The score
of such an ad is unreliable, so it is never called clear. An ad of unknown language is scored.
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
"""Least words of an ad that is scored."""

LEAST_LETTERS = 0.3
"""Least share of letters among the visible characters."""

LEAST_DIFFERENT = 5
"""Least number of different letters."""


class AbstainReason(IntEnum):
    """Reason why an ad is not scored; `JUDGED` where it is."""

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
"""Texts of the reasons for a manifest."""


def abstain_text(code: AbstainReason, language: str | None, known: frozenset[str]) -> str:
    """Text of a reason for an ad in this language and a model with these known languages.

    >>> abstain_text(AbstainReason.LANGUAGE, "de", frozenset({"es", "en"}))
    'in language de; the model learned from en, es'
    """
    if code is AbstainReason.LANGUAGE:
        return f"in language {language}; the model learned from {', '.join(sorted(known))}"
    return INCOMPLETE_BECAUSE[code]


# A fast pattern that counts every non-ASCII character as a letter; doubtful texts are rechecked.
_ENOUGH = rf"(?:[a-z\x{{80}}-\x{{10ffff}}]+[\x00-`{{-\x7f]+){{{LEAST_WORDS}}}"
_LETTER = regex.compile(r"\p{L}")
_WORD = regex.compile(r"\p{L}[\p{L}\p{M}]*")
# Scripts without blanks: two letters count as a word.
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}&&\p{L}]", regex.V1
)
_VARIETY_CHARS = 120  # characters in which most texts have enough different letters
_VARIETY_BYTES = 48  # bytes in which most texts do, counting ASCII only
_ALPHABET = 26


def unreadable(folded: ArrowArray) -> NDArray[np.int8]:
    """`AbstainReason` of each text by its characters and words, shape (n,).

    >>> unreadable(pa.array(["we keep your passport here", "!!!!!!", "work today"])).tolist()
    [0, 1, 2]
    """
    reasons = np.zeros(len(folded), dtype=np.int8)
    if not len(folded):
        return reasons
    has_words = pc.match_substring_regex(folded, _ENOUGH).to_numpy(zero_copy_only=False)
    doubtful = np.flatnonzero(_doubtful(folded) | ~has_words)
    texts = text_list(folded.take(doubtful))
    reasons[doubtful] = [_check_letters(text) for text in texts]
    return reasons


def _check_letters(text: str) -> AbstainReason:
    letters = _LETTER.findall(text)
    few = len(letters) < LEAST_LETTERS * len("".join(text.split()))
    if few or not letters or (len(letters) > 8 and len(set(letters)) < LEAST_DIFFERENT):
        return AbstainReason.UNREADABLE
    words = len(_WORD.findall(text)), len(_UNSPACED.findall(text)) // 2
    return AbstainReason.TOO_SHORT if max(words) < LEAST_WORDS else AbstainReason.JUDGED


def _doubtful(folded: ArrowArray) -> NDArray[np.bool_]:
    """Mask of texts with few Latin letters or few different ones, to be checked exactly."""
    content, bounds = joined_bytes(folded)
    lengths = np.diff(bounds)
    full = np.flatnonzero(lengths)
    few = np.zeros(len(folded), dtype=np.bool_)
    latin = (content - np.uint8(ord("a")) < _ALPHABET).view(np.uint8)
    few[full] = np.add.reduceat(latin, bounds[full], dtype=np.int64) < 0.5 * lengths[full]
    same = _ascii_variety(content, bounds) < 2 * LEAST_DIFFERENT
    rows = np.flatnonzero(same)
    texts = text_list(folded.take(rows))
    same[rows] = [len(set(text[:_VARIETY_CHARS])) < 2 * LEAST_DIFFERENT for text in texts]
    return np.asarray(few | same)


def _ascii_variety(content: NDArray[np.uint8], bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of different ASCII characters in the first bytes of each text, shape (n,)."""
    seen = np.zeros((len(bounds) - 1, 256), dtype=np.bool_)
    rows = np.flatnonzero(np.diff(bounds))[:, None]
    places = np.minimum(bounds[rows] + np.arange(_VARIETY_BYTES), bounds[rows + 1] - 1)
    seen[rows, content[places]] = True
    return np.asarray(seen[:, :128].sum(axis=1))


def known_languages(trained_on: Mapping[str, int]) -> frozenset[str]:
    """Languages with at least `ENOUGH_ADS` training ads; empty where none are recorded.

    >>> sorted(known_languages({"en": 900, "pt": 60, "de": 3, "unknown": 400}))
    ['en', 'pt']
    """
    return frozenset(
        name for name, ads in trained_on.items() if ads >= ENOUGH_ADS and name != "unknown"
    )


def abstain_reasons(
    reasons: NDArray[np.int8], languages: ArrowValues, known: frozenset[str]
) -> NDArray[np.int8]:
    """Reasons of n ads, completed by `LANGUAGE` for languages outside `known`.

    Args:
        reasons: from `unreadable`; reasons other than 0 are kept.
        languages: codes or null; an ad without a language is scored.
        known: `known_languages`; if empty, every language is scored.
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
    """Refuse a model with indicators missing in the taxonomy in use.

    Raises:
        UsageError: naming the indicators and the option for a taxonomy file.
    """
    named = f"the model {model.manifest.name} {model.version}"
    check_known(model.labels, named, model.rules.taxonomy)


def escalation_bits(model: Model, batch: TextBatch, predictions: Predictions) -> NDArray[np.uint64]:
    """Escalating indicators of each text as bits: matched by rules, or likely by the model."""
    taxonomy = batch.rules.taxonomy
    bits = np.zeros(len(batch), dtype=np.uint64)
    present, _ = batch.rule_hits.states(len(taxonomy.text_ids))
    for i, name in enumerate(taxonomy.escalating):
        is_present = present[:, taxonomy.text_ids.index(name)]
        if name in model.manifest.calibration.calibrated:
            likely = predictions.indicators[:, model.labels.index(name)]
            is_present = is_present | (likely >= np.float32(ESCALATE_AT))
        bits |= is_present.astype(np.uint64) << np.uint64(i)
    return bits


def escalating_names(bits: int, taxonomy: Taxonomy) -> tuple[str, ...]:
    """The escalating indicators of one text, from its bits."""
    return tuple(name for i, name in enumerate(taxonomy.escalating) if bits >> i & 1)


def ad_exceptions(model: Model, batch: TextBatch, predictions: Predictions) -> AdExceptions:
    """The ads that escalate, and those that are left to people as incomplete."""
    known = known_languages(model.manifest.trained_on.languages)
    languages = pa.array(list(batch.languages), pa.string())
    reasons = abstain_reasons(unreadable(batch.unmasked), languages, known)
    return AdExceptions(escalation_bits(model, batch, predictions) > 0, reasons > 0)
