"""Evidence and contact tables of ads, made without a model: `adrisk match` and `adrisk extract`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from adrisk.batch import prepare_ads
from adrisk.extract.mentions import mentions_column
from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.files import output, replacing
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine, no_ads
from adrisk.ingest.stream import open_ads
from adrisk.progress import say, track
from adrisk.rules.match import match_all
from adrisk.rules.matcher import resolve_overlaps
from adrisk.rules.ruleset import Ruleset
from adrisk.schema import optional
from adrisk.text.arrow import text_list
from adrisk.types import Evidence

Matches = list[list[Evidence]]
"""The matches of each ad."""

_EVIDENCE = pa.schema(
    [
        optional("ad_id", pa.string()),
        optional("indicator", pa.string()),
        optional("state", pa.string()),
        optional("start", pa.int32()),
        optional("end", pa.int32()),
        optional("rule", pa.string()),
        optional("language", pa.string()),
    ]
)
_CONTACTS = [
    optional("ad_id", pa.string()),
    optional("kind", pa.string()),
    optional("start", pa.int32()),
    optional("end", pa.int32()),
    optional("obscured", pa.bool_()),
    optional("key", pa.string()),
]


@dataclass(frozen=True, slots=True)
class Written:
    """A table that was written, and what became of the rows read."""

    path: Path
    ads: int
    rows: int
    quarantined: int
    quarantine: Path


def match(
    sources: Sequence[str],
    out: Path,
    mapping: Mapping[str, str],
    *,
    rules: Ruleset | None = None,
    observe: Callable[[pa.Table, Matches, Matches], None] | None = None,
) -> Written:
    """Rules alone: one row a finding, with its span in the raw text.

    Args:
        sources: SOURCE arguments, in order.
        out: file of the evidence.
        mapping: canonical column -> the files' column.
        rules: to match; those that adrisk ships if left out.
        observe: called with every batch of ads, with all matches of each ad, and with those that
            count where several overlap.
    """

    def find(ads: pa.Table) -> pa.Table:
        languages = ads["language"].to_pylist()
        everything = match_all(text_list(ads["text"]), languages, rules)
        kept = [resolve_overlaps(found) for found in everything]
        if observe is not None:
            observe(ads, everything, kept)
        rows = [
            (ad_id, e.indicator, str(e.state), e.start, e.end, e.found_by, language)
            for ad_id, language, found in zip(
                ads["ad_id"].to_pylist(), languages, kept, strict=True
            )
            for e in found
        ]
        return _rows(rows, _EVIDENCE)

    return _each("match", sources, out, mapping, _EVIDENCE, find)


def extract(
    sources: Sequence[str], out: Path, mapping: Mapping[str, str], workspace: Path, *, plain: bool
) -> Written:
    """Contacts as spans and keyed pseudonyms, and prices, wages, hours and places as spans.

    `plain` adds the value of a contact; only contacts have a key and a value. A file with plain
    values is for the eyes of its owner (mode 0600).
    """
    form = pa.schema([*_CONTACTS, *([optional("value", pa.string())] if plain else [])])
    names = Pseudonymiser.open(workspace, "extract")

    def find(ads: pa.Table) -> pa.Table:
        batch = prepare_ads(ads)
        contacts = batch.contacts
        mentions = mentions_column(batch.raw, batch.unmasked, contacts)
        rows: list[tuple[object, ...]] = []
        for ad_id, reached, said in zip(ads["ad_id"].to_pylist(), contacts, mentions, strict=True):
            of_ad: list[tuple[Any, ...]] = [
                (ad_id, c.kind, c.start, c.end, c.obscured, names.of(c), *([c.value] * plain))
                for c in reached
            ]
            of_ad += [
                (ad_id, m.kind, m.start, m.end, m.obscured, None, *([None] * plain)) for m in said
            ]
            rows += sorted(of_ad, key=itemgetter(2))
        return _rows(rows, form)

    return _each("extract", sources, out, mapping, form, find, private=plain)


def _each(
    stage: str,
    sources: Sequence[str],
    out: Path,
    mapping: Mapping[str, str],
    form: pa.Schema,
    find: Callable[[pa.Table], pa.Table],
    *,
    private: bool = False,
) -> Written:
    with _stream(stage, sources, out, mapping) as (batches, written):
        rows = 0
        with (
            replacing(out, private=private) as draft,
            pq.ParquetWriter(draft, form, compression="zstd") as writer,
        ):
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
        self.quarantine = Quarantine.beside(output(out))
        self.stream = open_ads(sources, options, self.quarantine)
        output(out, self.stream.files)

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
        rejected = self.quarantine
        return Written(self.out, self.stream.accepted, rows, rejected.count, rejected.path)


def _rows(rows: Sequence[tuple[object, ...]], form: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(form)
    return pa.table(
        [pa.array(list(c), f.type) for c, f in zip(columns, form, strict=True)], schema=form
    )
