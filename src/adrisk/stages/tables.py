"""Sources to a table of what one room finds in them: evidence or contacts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from adrisk.extract import contacts_column
from adrisk.extract.pseudonym import Pseudonymiser
from adrisk.indicators import match_column
from adrisk.model import prepare
from adrisk.progress import say, track
from adrisk.sources import Quarantine, ReadOptions, no_ads, open_ads
from adrisk.stages.files import output, replacing

_EVIDENCE = pa.schema(
    [
        ("ad_id", pa.string()),
        ("indicator", pa.string()),
        ("state", pa.string()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("rule", pa.string()),
        ("language", pa.string()),
    ]
)
_CONTACTS = [
    ("ad_id", pa.string()),
    ("kind", pa.string()),
    ("start", pa.int32()),
    ("end", pa.int32()),
    ("obscured", pa.bool_()),
    ("key", pa.string()),
]


@dataclass(frozen=True, slots=True)
class Written:
    """A table that was written, and what became of the rows read."""

    path: Path
    ads: int
    rows: int
    quarantined: int
    quarantine: Path


def match(sources: Sequence[str], out: Path, mapping: Mapping[str, str]) -> Written:
    """Rules alone: one row a finding, with its span in the raw text."""

    def find(ads: pa.Table) -> pa.Table:
        rows = [
            (ad_id, e.indicator, str(e.state), e.start, e.end, e.found_by, language)
            for ad_id, language, found in zip(
                ads["ad_id"].to_pylist(),
                ads["language"].to_pylist(),
                match_column(ads["text"].to_pylist(), ads["language"].to_pylist()),
                strict=True,
            )
            for e in found
        ]
        return _rows(rows, _EVIDENCE)

    return _each("match", sources, out, mapping, _EVIDENCE, find)


def extract(
    sources: Sequence[str], out: Path, mapping: Mapping[str, str], workspace: Path, *, plain: bool
) -> Written:
    """Contacts as spans and keyed pseudonyms; `plain` adds the value itself."""
    form = pa.schema([*_CONTACTS, *([("value", pa.string())] if plain else [])])
    names = Pseudonymiser.open(workspace, "extract")

    def find(ads: pa.Table) -> pa.Table:
        prepared = prepare(ads["text"])
        rows = [
            (ad_id, c.kind, c.start, c.end, c.obscured, names.of(c), *([c.value] if plain else []))
            for ad_id, found in zip(
                ads["ad_id"].to_pylist(),
                contacts_column(prepared.raw, prepared.folded),
                strict=True,
            )
            for c in found
        ]
        return _rows(rows, form)

    return _each("extract", sources, out, mapping, form, find)


def _each(
    stage: str,
    sources: Sequence[str],
    out: Path,
    mapping: Mapping[str, str],
    form: pa.Schema,
    find: Callable[[pa.Table], pa.Table],
) -> Written:
    with _stream(stage, sources, out, mapping) as (batches, written):
        rows = 0
        with replacing(out) as draft, pq.ParquetWriter(draft, form, compression="zstd") as writer:
            for ads in batches:
                table = find(ads)
                writer.write_table(table)
                rows += len(table)
        return written(rows)


class _stream:  # noqa: N801 - used as a context manager only
    """Open sources with a quarantine beside the table that is to be written."""

    def __init__(
        self, stage: str, sources: Sequence[str], out: Path, mapping: Mapping[str, str]
    ) -> None:
        self.stage, self.sources, self.out = stage, sources, out
        options = ReadOptions(mapping)
        self.quarantine = Quarantine(output(out).parent / "quarantine.jsonl")
        self.stream = open_ads(sources, options, self.quarantine)
        output(out, self.stream)

    def __enter__(self) -> tuple[Iterator[pa.Table], Callable[[int], Written]]:
        for note in self.stream.notes:
            say(note)
        self.quarantine.__enter__()
        return self._batches(), self._written

    def __exit__(self, *failure: object) -> None:
        self.quarantine.__exit__(*failure)  # type: ignore[arg-type]

    def _batches(self) -> Iterator[pa.Table]:
        with track(self.stage, self.stream.total_rows) as advance:
            for ads in self.stream:
                yield ads
                advance(len(ads))
            if not self.stream.accepted:
                raise no_ads(self.sources, self.quarantine)

    def _written(self, rows: int) -> Written:
        path = self.out.parent / "quarantine.jsonl"
        return Written(self.out, self.stream.accepted, rows, self.quarantine.count, path)


def _rows(rows: Sequence[tuple[object, ...]], form: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(form)
    return pa.table(
        [pa.array(list(c), f.type) for c, f in zip(columns, form, strict=True)], schema=form
    )
