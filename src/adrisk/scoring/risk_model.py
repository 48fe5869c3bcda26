"""Python API: a loaded model that scores and explains ads in memory, as `adrisk score` does.

In: ads. Out: `Scores`. The steps are those of the command: cleaning and languages, one reading of
each unique text, escalating and incomplete ads, evidence of the flagged ads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adrisk import layout, schema
from adrisk.batch import cut, make_batch
from adrisk.errors import UsageError
from adrisk.extract.places import guess_regions
from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.ingest.cleaning import detect_languages
from adrisk.model.explain import Explanation, evidence_of, explain
from adrisk.model.model import Model
from adrisk.parallel import in_order
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
from adrisk.policy.policy import PolicyConfig
from adrisk.scoring.evidence import with_evidence
from adrisk.scoring.memory_ads import Ads, CleanAds, clean_ads
from adrisk.scoring.parts import PendingBatch, Scorer
from adrisk.scoring.scores import Scores
from adrisk.scoring.sidecars import PartBuffer
from adrisk.scoring.worker import EvidenceValues, TextReader, TextRequest, as_values
from adrisk.text.arrow import text_list
from adrisk.types import Level

_NEVER = 2.0
"""A review threshold that no risk reaches, so that scoring keeps no text."""


@dataclass(frozen=True, slots=True, repr=False)
class RiskModel:
    """A model that scores and explains ads in memory.

    Attributes:
        model: with its manifest, calibration and classifier.
    """

    model: Model

    @property
    def labels(self) -> tuple[str, ...]:
        """The indicators it has a probability for."""
        return self.model.labels

    @property
    def version(self) -> str:
        """The registry's number, or the first twelve digits of the fingerprint."""
        return self.model.version

    def score(
        self,
        ads: Ads,
        *,
        policy: PolicyConfig | None = None,
        evidence: bool | None = None,
        mapping: Mapping[str, str] | None = None,
        run_id: str = "",
    ) -> Scores:
        """Score ads as `adrisk score` does.

        >>> scores = model.score([{"title": "Cook", "body": "Season work."}, {"body": "Write us."}])
        >>> len(scores), [ad.language for ad in scores], [ad.incomplete for ad in scores]
        (2, ['en', None], ['too_short', 'too_short'])
        >>> scores.flags().column_names
        ['ad_id', 'campaign_id', 'level', 'reasons', 'rank', 'policy_id']

        Args:
            ads: texts, dicts, or a table of pandas, Polars or Arrow; columns are recognised by
                their usual names, as in a file. Languages that are not given are detected, and
                phones are read as those of the place or the language. None is allowed.
            policy: which ads are flagged, and so explained; that of the command if left out.
            evidence: True explains every ad, False none; left out, those that the command would
                explain, whose level is review or urgent.
            mapping: canonical column -> the column here, as --map.
            run_id: written into every row.

        Returns:
            One row an ad, in the order given. Rows that cannot be ads are in `rejected`.

        Raises:
            TypeError: if `ads` is one text.
            UsageError: if the columns cannot be understood, see the message.
        """
        clean = clean_ads(ads, mapping)
        part = self._read(clean.table, run_id)
        scores = self._scores(part, clean, policy or PolicyConfig())
        if evidence is False or not len(scores):
            return scores
        explained = np.ones(len(scores), dtype=np.bool_)
        if evidence is None:
            levels = scores.flags()["level"]
            asked = pc.is_in(levels, value_set=pa.array([Level.REVIEW, Level.URGENT], pa.string()))
            explained = asked.to_numpy()
        return self._with_evidence(scores, clean, np.flatnonzero(explained).tolist())

    def __repr__(self) -> str:
        """Name, version, family and number of indicators."""
        manifest = self.model.manifest
        return (
            f"RiskModel({manifest.name} {self.version}, family {manifest.family}, "
            f"{len(self.labels)} indicators)"
        )

    def explain(self, text: str) -> Explained:
        """The score of one text and its evidence, as `adrisk explain` prints them.

        >>> found = model.explain("Night porter: we hold your passport until the debt is paid.")
        >>> found.language, found.not_judged, found.why.evidence[0].indicator
        ('en', None, 'risk')
        """
        return explain_text(self.model, text)

    def _read(self, ads: pa.Table, run_id: str) -> PartBuffer:
        """The scored ads, without their texts."""
        scorer = Scorer(self.model, _NEVER, run_id)
        reader = TextReader(self.model, Pseudonymiser.ephemeral(), _NEVER)
        pending: deque[PendingBatch] = deque()

        def requests() -> Iterator[TextRequest]:
            for batch in ads.to_batches(max_chunksize=layout.BATCH_ROWS):
                begun, request = scorer.begin(pa.Table.from_batches([batch]))
                pending.append(begun)
                yield request

        part = PartBuffer()
        for records, notes in in_order(
            reader, requests(), 1 if len(ads) <= layout.BATCH_ROWS else 0
        ):
            part.add(scorer.finish(pending.popleft(), records, notes))
        return part

    def _scores(self, part: PartBuffer, clean: CleanAds, policy: PolicyConfig) -> Scores:
        form = schema.scores(self.labels)
        table = pa.concat_tables([form.empty_table(), *part.scores]).combine_chunks()
        names: list[tuple[str, ...]] = [()] * len(table)
        incomplete: list[str | None] = [None] * len(table)
        for noted in part.apart:
            for ad in noted.to_pylist():
                names[ad["row"]] = escalating_names(ad["escalate"], self.model.rules.taxonomy)
                code = AbstainReason(ad["incomplete"])
                if code and not ad["escalate"]:
                    incomplete[ad["row"]] = code.name.lower()
        apart = pa.table(
            {"escalate": names, "incomplete": incomplete},
            schema=pa.schema([schema.APART.field(name) for name in ("escalate", "incomplete")]),
        )
        return Scores(
            table, self.labels, apart, clean.rows, clean.rejected, self.model, policy, part
        )

    def _with_evidence(self, scores: Scores, clean: CleanAds, rows: list[int]) -> Scores:
        if not rows:
            return scores
        asked = clean.table.take(pa.array(rows, pa.int64()))
        regions = guess_regions(asked["location"].to_pylist(), asked["language"].to_pylist())
        likely = scores.table.select([f"p_{label}" for label in self.labels])
        ads = [
            _Ad(text, language, region, tuple(values.values()))
            for text, language, region, values in zip(
                text_list(cut(asked["text"])[0]),
                asked["language"].to_pylist(),
                regions,
                likely.take(rows).to_pylist(),
                strict=True,
            )
        ]
        different = list(dict.fromkeys(ads))
        found = in_order(self._explained, different, 1 if len(rows) == 1 else 0)
        known = dict(zip(different, found, strict=True))
        evidence = {row: known[ad] for row, ad in zip(rows, ads, strict=True)}
        return replace(scores, table=with_evidence(scores.table, evidence))

    def _explained(self, ad: _Ad) -> EvidenceValues:
        batch = make_batch([ad.text], [ad.language], [ad.region], rules=self.model.rules)
        likely = dict(zip(self.labels, ad.probabilities, strict=True))
        return as_values(evidence_of(self.model, batch, likely))


class _Ad(NamedTuple):
    text: str
    language: str | None
    region: str | None
    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """The explanation of a text, with what scoring notes beside the score.

    Attributes:
        why: the score and the evidence.
        language: as detected in the text, None where that is unsure.
        not_judged: why scoring would call the ad incomplete; None where it would not.
        escalated: indicators it shows that are always reviewed first, whatever the risk.
    """

    why: Explanation
    language: str | None
    not_judged: str | None
    escalated: tuple[str, ...]


def explain_text(model: Model, text: str) -> Explained:
    """The score and the evidence of one ad of which only the text is known, as scoring gives them.

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
    (bits,) = escalation_bits(model, batch, model.predict(batch))
    escalated = escalating_names(int(bits), model.rules.taxonomy)
    known = known_languages(model.manifest.trained_on.languages)
    (code,) = abstain_reasons(unreadable(batch.unmasked), pa.array([language], pa.string()), known)
    judged = code == AbstainReason.JUDGED or escalated
    return Explained(
        why=explain(model, text, language),
        language=language,
        not_judged=None if judged else abstain_text(AbstainReason(int(code)), language, known),
        escalated=escalated,
    )
