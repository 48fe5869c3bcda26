"""What of single ads stands apart from their risk: what escalates, and what is not judged.

In: a model, texts as it reads them, and its answers. Out: bits and `Apart`, for scoring and for
every figure that says what the product flags.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.batch import Reading
from adrisk.model.model import Answers, Model
from adrisk.policy.judgeable import languages_known, unjudged, unreadable
from adrisk.policy.queue import ESCALATE_AT, Apart
from adrisk.rules.taxonomy import load_taxonomy


def escalating(model: Model, reading: Reading, answers: Answers) -> NDArray[np.uint64]:
    """The escalating indicators of each text as bits: found by rules, or likely."""
    taxonomy = load_taxonomy()
    bits = np.zeros(len(reading), dtype=np.uint64)
    present, _ = reading.findings.states(len(taxonomy.text_ids))
    for i, name in enumerate(taxonomy.escalating):
        shown = present[:, taxonomy.text_ids.index(name)]
        if name in model.manifest.calibration.calibrated:
            likely = answers.indicators[:, model.labels.index(name)]
            shown = shown | (likely >= np.float32(ESCALATE_AT))
        bits |= shown.astype(np.uint64) << np.uint64(i)
    return bits


def apart(model: Model, reading: Reading, answers: Answers) -> Apart:
    """The ads that escalate, and those that scoring would leave to people as incomplete."""
    known = languages_known(model.manifest.trained_on.languages)
    languages = pa.array(list(reading.languages), pa.string())
    reasons = unjudged(unreadable(reading.folded), languages, known)
    return Apart(escalating(model, reading, answers) > 0, reasons > 0)
