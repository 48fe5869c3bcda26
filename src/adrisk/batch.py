"""Batches of ads as every model reads them: cut, folded, contacts masked, with rule hits.

In: raw texts, and where known their languages and regions. Out: a `TextBatch`. Rule hits and
contacts are computed on first use, once.

Rules, contacts and campaigns use the texts as written (`raw`, `unmasked`). Classifiers learn and
score `folded`, in which every contact is masked, in training as in scoring.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.extract.contacts import masked_column
from adrisk.extract.places import guess_regions
from adrisk.rules.match import RuleHits, RuleMatches
from adrisk.rules.ruleset import Ruleset, load_ruleset
from adrisk.text.arrow import text_list
from adrisk.text.normalise import fold_column
from adrisk.types import ArrowArray, ArrowValues, Contact, IntArray

MAX_CHARS = 20_000
"""Characters kept of an ad; a longer one is marked `truncated`."""


class TextBatch:
    """n ads with their folded texts, rule hits and contacts.

    Attributes:
        raw: n texts of at most `MAX_CHARS` characters.
        unmasked: the same, folded; not for classifiers, which would learn contacts by heart.
        truncated: shape (n,), whether a text was cut.
        languages: n, ISO 639-1 where known.
        regions: n, two letters; likely country of the phone numbers, where known.
        rules: those that are matched.

    `folded` and `rule_hits` may be given where they are known; else they are computed on first use.
    """

    __slots__ = (
        "_folded",
        "_masked",
        "_rule_hits",
        "_rule_matches",
        "_whole",
        "languages",
        "raw",
        "regions",
        "rules",
        "truncated",
        "unmasked",
    )

    def __init__(
        self,
        raw: ArrowArray,
        unmasked: ArrowArray,
        truncated: NDArray[np.bool_],
        languages: Sequence[str | None],
        regions: Sequence[str | None],
        rules: Ruleset,
        *,
        folded: ArrowArray | None = None,
        rule_hits: RuleHits | None = None,
    ) -> None:
        self.raw = raw
        self.unmasked = unmasked
        self.truncated = truncated
        self.languages = languages
        self.regions = regions
        self.rules = rules
        self._folded = folded
        self._rule_hits = rule_hits
        self._rule_matches: RuleMatches | None = None
        self._masked: tuple[list[list[Contact]], ArrowArray] | None = None
        self._whole: tuple[TextBatch, IntArray] | None = None

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def rule_hits(self) -> RuleHits:
        """Rule hits of each ad; batches made by `take` reuse those of the whole batch."""
        if self._rule_hits is None:
            if self._whole is not None:
                whole, rows = self._whole
                self._rule_hits = whole.rule_hits.take(rows)
            else:
                matches = self._rule_matches or self._matched()
                self._rule_hits = matches.hits()
        return self._rule_hits

    @property
    def rule_matches(self) -> RuleMatches:
        """The same with rules and raw spans, which takes memory: kept where it is asked for first.

        `rule_hits` are then made of it, without another pass.
        """
        if self._rule_matches is None:
            self._rule_matches = self._matched()
        return self._rule_matches

    def _matched(self) -> RuleMatches:
        return RuleMatches(text_list(self.raw), self.unmasked, self.languages, self.rules)

    @property
    def contacts(self) -> list[list[Contact]]:
        """The contacts of each ad, reused like `rule_hits`."""
        return self._mask_contacts()[0]

    @property
    def folded(self) -> ArrowArray:
        """The texts for classifiers: folded, with placeholders for contacts.

        Each has as many characters as in `unmasked`, so its spans map to the raw text too.
        """
        return self._mask_contacts()[1] if self._folded is None else self._folded

    def _mask_contacts(self) -> tuple[list[list[Contact]], ArrowArray]:
        """The contacts, and the texts with contacts masked."""
        if self._masked is None:
            if self._whole is not None:
                whole, rows = self._whole
                contacts = [whole.contacts[row] for row in rows.tolist()]
                self._masked = contacts, whole.folded.take(rows)
            else:
                self._masked = masked_column(self.raw, self.unmasked, self.regions)
        return self._masked

    def take(self, rows: Sequence[int] | IntArray) -> TextBatch:
        """A batch of some rows, in their order."""
        at = np.asarray(rows, dtype=np.int64)
        taken = TextBatch(
            self.raw.take(at),
            self.unmasked.take(at),
            self.truncated[at],
            [self.languages[row] for row in at],
            [self.regions[row] for row in at],
            self.rules,
        )
        taken._whole = (self, at)
        return taken


def make_batch(
    texts: ArrowValues | Sequence[str],
    languages: Sequence[str | None] | None = None,
    regions: Sequence[str | None] | None = None,
    *,
    rules: Ruleset | None = None,
) -> TextBatch:
    """A `TextBatch` of raw texts.

    Args:
        texts: n, without nulls.
        languages: of each; for an ad without one, the rules of all languages are tried.
        regions: of each, as from `guess_regions` with place and language; without them, guessed
            from the languages alone.
        rules: those to match; the rules that adrisk ships if left out.

    Raises:
        TypeError: for one text instead of a list.
    """
    if isinstance(texts, str | bytes):
        raise TypeError("expected a list of texts; for one text give a list of one: [text]")
    if not isinstance(texts, pa.ChunkedArray | pa.Array):
        texts = pa.array(list(texts), pa.large_string())
    raw, truncated = cut(texts)
    known = [None] * len(raw) if languages is None else languages
    likely = guess_regions([None] * len(raw), known) if regions is None else regions
    return TextBatch(raw, fold_column(raw), truncated, known, likely, rules or load_ruleset())


def prepare_ads(ads: pa.Table, rules: Ruleset | None = None) -> TextBatch:
    """`make_batch` of a table of ads with `text`, and `language` and `location` where known.

    Scoring, training and evaluation guess the region of an ad in this one way.
    """
    names = ads.column_names
    unknown = [None] * len(ads)
    languages = ads["language"].to_pylist() if "language" in names else unknown
    places = ads["location"].to_pylist() if "location" in names else unknown
    return make_batch(ads["text"], languages, guess_regions(places, languages), rules=rules)


def cut(texts: ArrowValues) -> tuple[ArrowArray, NDArray[np.bool_]]:
    """The first `MAX_CHARS` characters of each text, and whether there were more."""
    kept: ArrowArray = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    kept = kept.cast(pa.large_string())
    truncated = np.zeros(len(texts), dtype=np.bool_)
    if (pc.max(pc.binary_length(kept)).as_py() or 0) > MAX_CHARS:
        truncated = pc.greater(pc.utf8_length(kept), MAX_CHARS).to_numpy(zero_copy_only=False)
        kept = pc.utf8_slice_codeunits(kept, 0, MAX_CHARS)
    return kept, truncated
