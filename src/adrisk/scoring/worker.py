"""Everything that scoring needs a text for, done in one pass over it.

In: texts that were not read yet, with their languages and where their phones are likely from. Out:
a record and notes of each; for a text that may be flagged these hold what explaining and sealing
need later. Processes hold a `TextReader` each; which texts to read is for `adrisk.scoring.parts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.batch import TextBatch, make_batch
from adrisk.classifiers.base import Threaded
from adrisk.errors import RunError
from adrisk.extract.contacts import obscured_ads
from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.linking.minhash import WIDTH, signatures
from adrisk.linking.signing import PURPOSE
from adrisk.model.explain import word_evidence
from adrisk.model.model import Model
from adrisk.policy.abstention import escalation_bits, unreadable
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.match import RuleHits
from adrisk.rules.matcher import HIT_DTYPE
from adrisk.rules.ruleset import load_ruleset
from adrisk.scoring.dedupe import Candidate, Records, TextNotes
from adrisk.types import Contact, Evidence, State


@dataclass(frozen=True, slots=True)
class TextRequest:
    """Texts to be read, with the region and the language of each where known."""

    texts: pa.Array
    regions: list[str | None]
    languages: list[str | None]

    def __len__(self) -> int:
        return len(self.texts)


def concat(unread: Sequence[TextRequest]) -> TextRequest:
    """Some texts to be read, one behind the other."""
    none = pa.array([], pa.large_string())
    return TextRequest(
        pa.concat_arrays([none, *(some.texts for some in unread)]),
        [region for some in unread for region in some.regions],
        [language for some in unread for language in some.languages],
    )


def record_of(labels: tuple[str, ...]) -> np.dtype[np.void]:
    """The record of a text; bit i of `escalate` is the i-th escalating indicator."""
    return np.dtype(
        [
            ("risk", np.float32),
            ("level", np.int8),
            ("indicators", np.float32, (len(labels),)),
            ("obscured", np.bool_),
            ("truncated", np.bool_),
            ("escalate", np.uint64),
            ("unreadable", np.int8),
            ("reread", np.bool_),
            ("signature", np.uint32, (WIDTH,)),
        ]
    )


class TextReader:
    """Reads texts with a model; threads may share one.

    Args:
        model: that scores.
        names: of contacts.
        review_at: the risk from which a text may be flagged.
    """

    def __init__(self, model: Model, names: Pseudonymiser, review_at: float) -> None:
        self.model = model
        self._pseudonyms = names
        self._review_at = np.float32(review_at)

    def __call__(self, unread: TextRequest) -> tuple[Records, list[TextNotes]]:
        """What is in each text."""
        if not len(unread):
            return np.zeros(0, dtype=record_of(self.model.labels)), []
        batch = make_batch(unread.texts, unread.languages, unread.regions, rules=self.model.rules)
        matches = batch.rule_matches  # asked for first, so that the rules are matched once
        contacts = batch.contacts
        answers = self.model.predict(batch)
        found = np.zeros(len(batch), dtype=record_of(self.model.labels))
        found["risk"], found["level"] = answers.risk, answers.level
        found["indicators"] = answers.indicators
        found["obscured"] = obscured_ads(contacts)
        found["truncated"] = batch.truncated
        found["escalate"] = escalation_bits(self.model, batch, answers)
        found["unreadable"] = unreadable(batch.unmasked)
        found["reread"] = False if answers.reread is None else answers.reread
        found["signature"] = signatures(batch.unmasked)
        names = self._pseudonyms
        notes = [
            TextNotes(tuple(sorted({names.of(contact) for contact in of_text})))
            for of_text in contacts
        ]
        likely = may_be_flagged(found, self._review_at)
        findings = matches.evidence(likely)
        for row in np.flatnonzero(likely).tolist():
            kept = self._candidate(batch, row, findings[row], contacts[row])
            notes[row] = notes[row]._replace(candidate=kept)
        return found, notes

    def _candidate(
        self, batch: TextBatch, row: int, findings: list[Evidence], contacts: list[Contact]
    ) -> Candidate:
        hits = batch.rule_hits.take(np.array([row]))
        rows = np.empty(len(hits.ad), HIT_DTYPE)
        for name in HIT_DTYPE.names or ():
            rows[name] = getattr(hits, name)
        return Candidate(
            folded=batch.folded[row].as_py(),
            hits=rows.tobytes(),
            findings=tuple(
                (e.indicator, e.start, e.end, e.found_by)
                for e in findings
                if e.state is State.PRESENT
            ),
            contacts=tuple((self._pseudonyms.of(c), c.kind, c.value) for c in contacts),
        )


def may_be_flagged(found: Records, review_at: np.float32) -> NDArray[np.bool_]:
    """The texts whose ads a policy may put before people: likely ones, and those that escalate."""
    return np.asarray((found["risk"] >= review_at) | (found["escalate"] > 0))


def hits_of(packed: bytes) -> RuleHits:
    """What `Candidate.hits` holds, as of a single ad."""
    rows = np.frombuffer(packed, HIT_DTYPE)
    columns = (np.ascontiguousarray(rows[name]) for name in HIT_DTYPE.names or ())
    return RuleHits(1, np.zeros(len(rows), dtype=np.int64), *columns)


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """How a worker process makes a reader of its own, from the model's folder and the key's.

    Attributes:
        folder: of the model.
        version: what the registry calls it.
        fingerprint: the one that the model must have.
        workspace: of the contact key.
        review_at: the risk from which a text may be flagged.
        platform_file: whose rules are asked beside those of adrisk.
        rules: the fingerprint that they must have.
    """

    folder: Path
    version: str
    fingerprint: str
    workspace: Path
    review_at: float
    platform_file: Path | None
    rules: str

    def __call__(self) -> TextReader:
        """Load what the texts need, and leave the other cores to the other processes."""
        pa.set_cpu_count(1)
        rules = load_ruleset(self.platform_file)
        if rules.fingerprint != self.rules:
            raise RunError(
                f"{self.platform_file or 'the taxonomy of adrisk'} changed while ads were scored; "
                "score them again into a new folder"
            )
        # The rule books are held, too.
        _ = make_batch([""] * len(LANGUAGES), LANGUAGES, rules=rules).rule_hits
        model = Model.load(self.folder, self.version, rules=rules)
        if model.fingerprint != self.fingerprint:
            raise RunError(
                f"{self.folder}: the model changed while ads were scored; put back the one the run "
                "began with and repeat the command with --resume, or score into a new folder"
            )
        if isinstance(model.classifier, Threaded):
            model.classifier.use_threads(1)
        return self.reader(model)

    def reader(self, model: Model) -> TextReader:
        """A reader with a model that is loaded already."""
        return TextReader(model, Pseudonymiser.open(self.workspace, PURPOSE), self.review_at)


@dataclass(frozen=True, slots=True)
class FlaggedText:
    """A text to be explained, as the model scored it; equal ones have equal evidence."""

    text: str
    language: str | None
    likely: tuple[tuple[str, float], ...]
    candidate: Candidate


EvidenceValues = list[dict[str, str | int | float]]
"""The values of the evidence column of one row."""


def evidence_values(model: Model, ad: FlaggedText) -> EvidenceValues:
    """The words that moved the scores of a text, then what the rules found in it."""
    text = pa.array([ad.text], pa.large_string())
    batch = TextBatch(
        raw=text,
        unmasked=text,  # neither folded nor searched for contacts again: both were kept
        truncated=np.zeros(1, dtype=np.bool_),
        languages=[ad.language],
        regions=[None],
        rules=model.rules,
        folded=pa.array([ad.candidate.folded], pa.large_string()),
        rule_hits=hits_of(ad.candidate.hits),
    )
    rules = [
        Evidence(indicator, start, end, rule)
        for indicator, start, end, rule in ad.candidate.findings
    ]
    return as_values([*word_evidence(model, batch, dict(ad.likely)), *rules])


def as_values(evidence: Sequence[Evidence]) -> EvidenceValues:
    """Evidence as the values of the evidence column of one row; only what is present."""
    return [
        {
            "indicator": e.indicator,
            "start": e.start,
            "end": e.end,
            "strength": e.strength,
            "found_by": e.found_by,
        }
        for e in evidence
        if e.state is State.PRESENT
    ]


def evidence_in_worker(reader: TextReader, ad: FlaggedText) -> EvidenceValues:
    """The same in a process that holds a reader."""
    return evidence_values(reader.model, ad)
