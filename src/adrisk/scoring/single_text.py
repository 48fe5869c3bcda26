"""One text explained as scoring would judge it: in its language, and not where nobody should.

In: a model and a text. Out: the language that ingesting finds in it, why scoring would not judge
it, and the explanation. Nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from adrisk.batch import TextBatch, make_batch
from adrisk.errors import UsageError
from adrisk.ingest.cleaning import detect_languages
from adrisk.model.explain import Explanation, explain
from adrisk.model.model import Model
from adrisk.policy.abstention import (
    AbstainReason,
    abstain_reasons,
    abstain_text,
    check_indicators,
    escalating_names,
    escalation_bits,
    known_languages,
    unreadable,
)


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation and what scoring would say beside it.

    Attributes:
        why: the score and the evidence.
        language: as it was found in the text, None where that is unsure.
        not_judged: why scoring would call the ad incomplete; None where it would not.
        escalated: indicators it shows that are always looked at first, whatever the risk.
    """

    why: Explanation
    language: str | None
    not_judged: str | None
    escalated: tuple[str, ...]


def explain_text(model: Model, text: str) -> Explained:
    """Explain one ad of which nothing but the text is known.

    Raises:
        UsageError: if the text cannot be written as UTF-8, or the taxonomy lacks an indicator of
            the model.
    """
    check_indicators(model)
    try:
        given = pa.array([text], pa.large_string())
    except UnicodeEncodeError as error:
        raise UsageError(
            "the text is not valid UTF-8; convert it, or score it from a file"
        ) from error
    language = detect_languages(given)[0].as_py()
    batch = make_batch(given, [language], rules=model.rules)
    escalated = _escalated(model, batch)
    known = known_languages(model.manifest.trained_on.languages)
    (code,) = abstain_reasons(unreadable(batch.unmasked), pa.array([language], pa.string()), known)
    judged = code == AbstainReason.JUDGED or escalated
    return Explained(
        why=explain(model, text, language),
        language=language,
        not_judged=None if judged else abstain_text(AbstainReason(int(code)), language, known),
        escalated=escalated,
    )


def _escalated(model: Model, batch: TextBatch) -> tuple[str, ...]:
    (bits,) = escalation_bits(model, batch, model.predict(batch))
    return escalating_names(int(bits), batch.rules.taxonomy)
