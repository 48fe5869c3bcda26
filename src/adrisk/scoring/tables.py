"""Tables of rule matches and of contacts, without a model: `adrisk match`, `adrisk extract`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from adrisk.batch import prepare_ads
from adrisk.extract.mentions import Mention, mentions_column
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
from adrisk.types import Contact, Evidence

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
    """A table that was written, with counts of ads, rows and rejected rows."""

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
    """Write the rule matches of ads, one row each, with spans in the raw text.

    Args:
        sources: SOURCE arguments, in order.
        out: file of the matches.
        mapping: canonical column -> the files' column.
        rules: to match; those that adrisk ships if left out.
        observe: called with every batch of ads, with all matches of each ad, and with those left
            after overlaps are resolved.
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

    return _write("match", sources, out, mapping, _EVIDENCE, find)


def extract(
    sources: Sequence[str], out: Path, mapping: Mapping[str, str], workspace: Path, *, plain: bool
) -> Written:
    """Write contacts as spans and keyed pseudonyms; prices, wages, hours and places as spans.

    `plain` adds the values of contacts; such a file is readable by its owner only (mode 0600).
    """
    form = pa.schema([*_CONTACTS, *([optional("value", pa.string())] if plain else [])])
    names = Pseudonymiser.open(workspace, "extract")

    def find(ads: pa.Table) -> pa.Table:
        batch = prepare_ads(ads)
        contacts = batch.contacts
        mentions = mentions_column(batch.raw, batch.unmasked, contacts)
        rows: list[tuple[object, ...]] = []
        for ad_id, reached, named in zip(ads["ad_id"].to_pylist(), contacts, mentions, strict=True):
            spans: list[Contact | Mention] = [*reached, *named]
            for span in sorted(spans, key=attrgetter("start")):
                key, value = (
                    (names.of(span), span.value) if isinstance(span, Contact) else (None, None)
                )
                row = (ad_id, span.kind, span.start, span.end, span.obscured, key)
                rows.append((*row, value) if plain else row)
        return _rows(rows, form)

    return _write("extract", sources, out, mapping, form, find, private=plain)


def _write(
    stage: str,
    sources: Sequence[str],
    out: Path,
    mapping: Mapping[str, str],
    form: pa.Schema,
    find: Callable[[pa.Table], pa.Table],
    *,
    private: bool = False,
) -> Written:
    """Write the rows that `find` makes of each batch of ads, with a quarantine beside them."""
    quarantine = Quarantine.beside(output(out))
    stream = open_ads(sources, ReadOptions(mapping), quarantine)
    output(out, stream.files)
    for note in stream.notes:
        say(note)
    rows = 0
    with (
        quarantine,
        replacing(out, private=private) as draft,
        pq.ParquetWriter(draft, form, compression="zstd") as writer,
        track(stage, stream.total_rows) as advance,
    ):
        for ads in stream:
            table = find(ads)
            writer.write_table(table)
            rows += len(table)
            advance(len(ads))
        if not stream.accepted:
            raise no_ads(sources, quarantine)
    return Written(out, stream.accepted, rows, quarantine.count, quarantine.path)


def _rows(rows: Sequence[tuple[object, ...]], form: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(form)
    return pa.table(
        [pa.array(list(c), f.type) for c, f in zip(columns, form, strict=True)], schema=form
    )
