"""What single texts say to scoring: all that needs the text, and nothing of the ad around it.

In: texts that were not read yet, with their languages and where their phones are likely from. Out:
a record and the pseudonyms of the contacts of each. Processes hold a `TextReader` each; which texts
to read, and what becomes of it, is for `adrisk.scoring.parts`.

Evidence of one ad, as the values of the evidence column of its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from adrisk.batch import make_batch
from adrisk.classifiers.base import Threaded
from adrisk.errors import RunError
from adrisk.extract.contacts import obscured_ads
from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.linking.minhash import WIDTH, signatures
from adrisk.linking.signing import PURPOSE
from adrisk.model.explain import evidence_of
from adrisk.model.model import Model
from adrisk.policy.abstention import escalation_bits, unreadable
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.ruleset import load_ruleset
from adrisk.scoring.dedupe import Names, Records
from adrisk.types import State


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
    """Reads texts with a model; threads may share one."""

    def __init__(self, model: Model, names: Pseudonymiser) -> None:
        self.model = model
        self._pseudonyms = names

    def __call__(self, unread: TextRequest) -> tuple[Records, Names]:
        """What is in each text."""
        if not len(unread):
            return np.zeros(0, dtype=record_of(self.model.labels)), []
        batch = make_batch(unread.texts, unread.languages, unread.regions, rules=self.model.rules)
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
        return found, [
            tuple(sorted({names.of(contact) for contact in of_text})) for of_text in contacts
        ]


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """How a worker process makes a reader of its own, from the model's folder and the key's.

    Attributes:
        folder: of the model.
        version: what the registry calls it.
        workspace: of the contact key.
        platform_file: whose rules are asked beside those of adrisk.
        rules: the fingerprint that they must have.
    """

    folder: Path
    version: str
    workspace: Path
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
        if isinstance(model.classifier, Threaded):
            model.classifier.use_threads(1)
        return self.reader(model)

    def reader(self, model: Model) -> TextReader:
        """A reader with a model that is loaded already."""
        return TextReader(model, Pseudonymiser.open(self.workspace, PURPOSE))


Ad = tuple[str, str | None, str | None, tuple[tuple[str, float], ...]]
"""Text, language, region, and the indicators with their probabilities."""

Evidence = list[dict[str, Any]]


def evidence_values(model: Model, ad: Ad) -> Evidence:
    """What the text shows of the indicators that are likely."""
    text, language, region, likely = ad
    return [
        {
            "indicator": e.indicator,
            "start": e.start,
            "end": e.end,
            "strength": e.strength,
            "found_by": e.found_by,
        }
        for e in evidence_of(
            model, make_batch([text], [language], [region], rules=model.rules), dict(likely)
        )
        if e.state is State.PRESENT
    ]


def evidence_in_worker(reader: TextReader, ad: Ad) -> Evidence:
    """The same in a process that holds a reader."""
    return evidence_values(reader.model, ad)
