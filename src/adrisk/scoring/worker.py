"""Reading of texts: prediction, rule hits, contacts and signature in one pass, and explanations.

In: unique texts with their languages and regions. Out: a record and notes of each; the notes of a
text that may be flagged hold what explaining and sealing need. Threads share a `TextReader`,
processes hold one each.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk import layout
from adrisk.batch import TextBatch, make_batch
from adrisk.classifiers.base import Threaded, libraries_of
from adrisk.errors import RunError
from adrisk.extract.contacts import obscured_ads
from adrisk.extract.pseudonyms import LINKING, Pseudonymiser
from adrisk.linking.minhash import WIDTH, signatures
from adrisk.model.explain import word_evidence
from adrisk.model.model import Model
from adrisk.parallel import ThreadWorkers, WorkerPool, cores, start_pool
from adrisk.policy.abstention import escalation_bits, unreadable
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.match import RuleHits
from adrisk.rules.matcher import HIT_DTYPE
from adrisk.rules.ruleset import load_ruleset
from adrisk.scoring.dedupe import Candidate, Records, TextNotes
from adrisk.types import ArrowArray, Contact, Evidence, State

_PRELOADED_LAST = "adrisk.scoring.preload"
"""Imported once for all processes, after the libraries of the family; never by this process."""


@dataclass(frozen=True, slots=True)
class TextRequest:
    """Texts to read, with the region and the language of each where known."""

    texts: ArrowArray
    regions: list[str | None]
    languages: list[str | None]

    def __len__(self) -> int:
        return len(self.texts)


def concat(requests: Sequence[TextRequest]) -> TextRequest:
    """Requests merged into one, in order."""
    empty = pa.array([], pa.large_string())
    return TextRequest(
        pa.concat_arrays([empty, *(request.texts for request in requests)]),
        [region for request in requests for region in request.regions],
        [language for request in requests for language in request.languages],
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
    """A model that reads texts once for all steps; threads may share one.

    Args:
        model: that scores.
        pseudonyms: of contacts.
        review_at: the risk from which a text may be flagged.
    """

    def __init__(self, model: Model, pseudonyms: Pseudonymiser, review_at: float) -> None:
        self.model = model
        self._pseudonyms = pseudonyms
        self._review_at = np.float32(review_at)

    def __call__(self, request: TextRequest) -> tuple[Records, list[TextNotes]]:
        """The record and the notes of each text."""
        records = np.zeros(len(request), dtype=record_of(self.model.labels))
        if not len(request):
            return records, []
        batch = make_batch(
            request.texts, request.languages, request.regions, rules=self.model.rules
        )
        matches = batch.rule_matches  # computed first: rule hits are then made of them
        contacts = batch.contacts
        predictions = self.model.predict(batch)
        records["risk"], records["level"] = predictions.risk, predictions.level
        records["indicators"] = predictions.indicators
        records["obscured"] = obscured_ads(contacts)
        records["truncated"] = batch.truncated
        records["escalate"] = escalation_bits(self.model, batch, predictions)
        records["unreadable"] = unreadable(batch.unmasked)
        records["reread"] = False if predictions.reread is None else predictions.reread
        records["signature"] = signatures(batch.unmasked)
        notes = [
            TextNotes(tuple(sorted({self._pseudonyms.of(contact) for contact in of_text})))
            for of_text in contacts
        ]
        likely = may_be_flagged(records, self._review_at)
        findings = matches.evidence(likely)
        for row in np.flatnonzero(likely).tolist():
            candidate = self._candidate(batch, row, findings[row], contacts[row])
            notes[row] = notes[row]._replace(candidate=candidate)
        return records, notes

    def _candidate(
        self, batch: TextBatch, row: int, findings: list[Evidence], contacts: list[Contact]
    ) -> Candidate:
        hits = batch.rule_hits.take(np.array([row]))
        packed = np.empty(len(hits.ad), HIT_DTYPE)
        for name in HIT_DTYPE.names or ():
            packed[name] = getattr(hits, name)
        return Candidate(
            folded=batch.folded[row].as_py(),
            hits=packed.tobytes(),
            findings=tuple(
                (e.indicator, e.start, e.end, e.found_by)
                for e in findings
                if e.state is State.PRESENT
            ),
            contacts=tuple((self._pseudonyms.of(c), c.kind, c.value) for c in contacts),
        )


def may_be_flagged(records: Records, review_at: np.float32) -> NDArray[np.bool_]:
    """Mask of the texts that a policy may flag: those above the threshold, and escalating ones."""
    return np.asarray((records["risk"] >= review_at) | (records["escalate"] > 0))


def _unpacked_hits(packed: bytes) -> RuleHits:
    """`Candidate.hits` as the rule hits of a single ad."""
    rows = np.frombuffer(packed, HIT_DTYPE)
    columns = (np.ascontiguousarray(rows[name]) for name in HIT_DTYPE.names or ())
    return RuleHits(1, np.zeros(len(rows), dtype=np.int64), *columns)


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """Recipe by which a worker process makes its own reader.

    Attributes:
        folder: of the model.
        version: of the model in the registry.
        fingerprint: of the model; another is refused.
        workspace: of the contact key.
        review_at: the risk from which a text may be flagged.
        platform_file: the platform's rules, matched beside those of adrisk.
        rules: fingerprint of the rules; others are refused.
    """

    folder: Path
    version: str
    fingerprint: str
    workspace: Path
    review_at: float
    platform_file: Path | None
    rules: str

    def __call__(self) -> TextReader:
        """Load rules, model and key; use one thread, as each core has its own process.

        Raises:
            RunError: if the rules or the model were replaced since the run began.
        """
        pa.set_cpu_count(1)
        rules = load_ruleset(self.platform_file)
        if rules.fingerprint != self.rules:
            raise RunError(
                f"{self.platform_file or 'the taxonomy of adrisk'} changed while ads were scored; "
                "score them again into a new folder"
            )
        # Compiles the rule books, so that they are frozen with the model.
        _ = make_batch([""] * len(LANGUAGES), LANGUAGES, rules=rules).rule_hits
        model = Model.load(self.folder, self.version, rules=rules)
        if model.fingerprint != self.fingerprint:
            raise RunError(
                f"{self.folder}: the model changed while ads were scored; put back the one the run "
                "began with and repeat the command with --resume, or score into a new folder"
            )
        if isinstance(model.classifier, Threaded):
            model.classifier.use_threads(1)
        return TextReader(model, Pseudonymiser.open(self.workspace, LINKING), self.review_at)


TextWorkers: TypeAlias = ThreadWorkers[TextReader] | WorkerPool[TextReader]
"""Threads that share a reader, or processes that hold one each."""


@contextmanager
def text_workers(
    model: Model, workspace: Path, review_at: float, ads: int | None, workers: int
) -> Iterator[TextWorkers]:
    """Processes from `MANY_ADS` ads on, where starting them pays; else threads.

    Args:
        model: its folder is loaded by each process; one without a folder is saved for them.
        workspace: of the contact key.
        review_at: the risk from which a text may be flagged.
        ads: how many there are, if known.
        workers: threads or processes, 0 for one a core.
    """
    reader = TextReader(model, Pseudonymiser.open(workspace, LINKING), review_at)
    if (ads or 0) < layout.MANY_ADS or (workers or cores()) == 1:
        yield ThreadWorkers(reader, workers)
        return
    preload = (__name__, *libraries_of(type(model.classifier)), _PRELOADED_LAST)
    with tempfile.TemporaryDirectory() if model.folder is None else nullcontext("") as scratch:
        folder = model.folder or Path(scratch)
        saved = model.save(folder) if model.folder is None else model
        spec = ReaderSpec(
            folder,
            model.version,
            saved.fingerprint,
            workspace,
            review_at,
            model.rules.platform_file,
            model.rules.fingerprint,
        )
        with start_pool(spec, workers, preload=preload) as pool:
            yield pool


@dataclass(frozen=True, slots=True)
class FlaggedText:
    """A text to explain, as the model scored it; equal ones have equal evidence."""

    text: str
    language: str | None
    likely: tuple[tuple[str, float], ...]
    candidate: Candidate


EvidenceValues = list[dict[str, str | int | float]]
"""The values of the evidence column of one row."""


def evidence_values(reader: TextReader, ad: FlaggedText) -> EvidenceValues:
    """The words that moved the scores of a text, then its rule matches."""
    text = pa.array([ad.text], pa.large_string())
    batch = TextBatch(
        raw=text,
        unmasked=text,  # placeholder: folded text and hits were kept
        truncated=np.zeros(1, dtype=np.bool_),
        languages=[ad.language],
        regions=[None],
        rules=reader.model.rules,
        folded=pa.array([ad.candidate.folded], pa.large_string()),
        rule_hits=_unpacked_hits(ad.candidate.hits),
    )
    rules = [
        Evidence(indicator, start, end, rule)
        for indicator, start, end, rule in ad.candidate.findings
    ]
    return as_values([*word_evidence(reader.model, batch, dict(ad.likely)), *rules])


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
