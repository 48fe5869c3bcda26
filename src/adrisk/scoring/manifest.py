"""The manifest of a scoring run: typed, written last, and read tolerantly.

Later versions may add keys; unknown keys are ignored on reading. The file has exactly the keys that
were given, in the order of the fields here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adrisk.errors import UsageError
from adrisk.files import write_json
from adrisk.ingest.stream import AdStream
from adrisk.layout import MANIFEST_FILE, SCORES_FOLDER
from adrisk.model import model as models
from adrisk.policy import policy as policies
from adrisk.scoring.inputs import RunInputs
from adrisk.version import __version__


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class _Open(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())


class Metric(_Open):
    """A measured figure with its interval and the number of ads behind it."""

    value: int | float | None = None
    low: int | float | None = None
    high: int | float | None = None
    n: int | None = None
    positives: int | None = None
    campaigns: int | None = None


class TrainedOn(_Part):
    """The training corpus of a model."""

    sources: tuple[str, ...] = ()
    target: str | None = None
    ads: int | None = None
    campaigns: int | None = None
    fingerprint: str | None = None
    languages: dict[str, int] = Field(default_factory=dict)
    split_by: str | None = None
    labels: str | None = None
    labels_from: dict[str, object] = Field(default_factory=dict)


class Model(_Part):
    """The model that scored."""

    name: str
    version: str
    family: str | None = None
    fingerprint: str | None = None
    labels: tuple[str, ...] = ()
    target: str | None = None
    trained_on: TrainedOn = TrainedOn()
    metrics: dict[str, Metric] = Field(default_factory=dict)
    facts: dict[str, object] = Field(default_factory=dict)


class Policy(_Open):
    """The thresholds and the capacity; further keys are kept, to be shown."""

    policy_id: str
    name: str | None = None
    review_at: float | None = None
    review_at_reason: str | None = None
    urgent_at: float | None = None
    capacity: int | None = None


class File(_Open):
    """A file that was read."""

    path: str | None = None
    bytes: int | None = None
    sha256: str | None = None


class Source(_Open):
    """A SOURCE argument, its files, and the column that each canonical one was read from."""

    spec: str | None = None
    kind: str | None = None
    files: tuple[File, ...] = ()
    columns: dict[str, str] = Field(default_factory=dict)


class QueueCounts(_Part):
    """How many ads the policy sent each way."""

    clear: int = 0
    review: int = 0
    urgent: int = 0
    incomplete: int = 0
    incomplete_because: dict[str, int] = Field(default_factory=dict)
    incomplete_queued: int = 0
    escalated: int = 0
    campaigns: int = 0
    queued_campaigns: int = 0
    audited: int = 0
    over_capacity: int = 0
    over_threshold: int = 0


class Reread(_Part):
    """How many ads a cascade read a second time, and why those."""

    reread: int | None = None
    reread_share: float | None = None
    reread_because: str | None = None


class _ReadCounts(_Part):
    read: int = 0
    scored: int = 0
    quarantined: int = 0
    quarantined_because: dict[str, int] = Field(default_factory=dict)


class _LastCounts(_Part):
    contacts_sealed: int = 0
    truncated: int = 0
    obscured: int = 0
    languages: dict[str, int] = Field(default_factory=dict)


class Counts(_LastCounts, QueueCounts, Reread, _ReadCounts):  # the last base's fields come first
    """How many ads went each way, in the whole run."""

    def given(self) -> dict[str, Any]:
        """The counts that were set, by name; without a cascade there is no `reread`."""
        return self.model_dump(exclude_unset=True)


@dataclass(frozen=True, slots=True)
class PartFile:
    """A file of scores, the number of its first ad, and how many it has."""

    path: Path
    first: int
    rows: int


class ScorePart(_Part):
    """One file of scores."""

    file: str
    rows: int | None = None


class Manifest(_Part):
    """Content of `manifest.json`."""

    adrisk_version: str | None = None
    run_id: str
    model: Model
    policy: Policy
    sources: tuple[Source, ...] = ()
    map: dict[str, str] = Field(default_factory=dict)
    input_fingerprint: str | None = None
    counts: Counts
    parts: tuple[ScorePart, ...] = ()
    started_at: datetime | None = None
    seconds: float | None = None


def reread_counts(model: models.Model, reread: int, scored: int) -> Reread:
    """The ads that a cascade read twice; nothing for a model that reads every ad once."""
    because = model.manifest.facts.get("reread_because")
    if because is None:
        return Reread()
    return Reread(reread=reread, reread_share=reread / scored, reread_because=because)


def run_manifest(
    inputs: RunInputs,
    model: models.Model,
    policy: policies.Policy,
    stream: AdStream,
    counts: Counts,
    parts: Sequence[PartFile],
) -> Manifest:
    """The manifest of a run; the stream has been read to its end."""
    known = model.manifest
    return Manifest(
        adrisk_version=__version__,
        run_id=inputs.run_id,
        model=Model(
            name=known.name,
            version=model.version,
            family=known.family,
            fingerprint=model.fingerprint,
            labels=model.labels,
            target=known.trained_on.target,
            trained_on=TrainedOn.model_validate(known.trained_on.model_dump(mode="json")),
            metrics=dict(known.metrics),
            facts=dict(known.facts),
        ),
        policy=Policy.model_validate(asdict(policy)),
        sources=tuple(Source.model_validate(source) for source in stream.description),
        map=inputs.map,
        input_fingerprint=stream.fingerprint,
        counts=counts,
        parts=tuple(
            ScorePart(file=f"{SCORES_FOLDER}/{part.path.name}", rows=part.rows) for part in parts
        ),
    )


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write what was given; equal manifests give equal bytes."""
    write_json(path, manifest.model_dump(mode="json", exclude_unset=True))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a finished scoring run.

    Raises:
        UsageError: if the folder has no manifest, or one that cannot be understood.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise UsageError(
            f"{folder}: expected the output of a scoring run, found no {MANIFEST_FILE}; "
            f"run `adrisk score MODEL SOURCE -o {folder}` first, or name the folder it wrote"
        )
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "the file"
        raise UsageError(
            f"{path}: {place}: {first['msg']}; score into this folder again, or check that it "
            "was written by `adrisk score`"
        ) from None
    if manifest.started_at is not None:
        return manifest
    # A run leaves no time in its files, so that equal runs leave equal files.
    finished = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).replace(microsecond=0)
    return manifest.model_copy(update={"started_at": finished})
