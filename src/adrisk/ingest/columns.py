"""Mapping of a file's columns to canonical names, by --map first, then by usual names.

In: the columns of a file and the user's mapping. Out: a `ColumnMap`, which renames the columns of a
raw table and joins title and body. Values are never used to guess a column.
"""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from adrisk.errors import SourceError, did_you_mean
from adrisk.ingest.identity import IDENTIFYING
from adrisk.ingest.values import check_type, join_lines, text_parts
from adrisk.schema import ADS, LABELS
from adrisk.types import ArrowArray, ArrowColumn, ArrowValues

_USUAL = {
    "text": "text ad_text full_text texto texte",
    "title": "title titulo headline heading subject job_title titre titel",
    "body": (
        "body description content message descripcion contenido cuerpo anuncio annonce post "
        "post_text job_description details beschreibung descrizione descricao"
    ),
    "ad_id": "ad_id id post_id posting_id listing_id job_id uid uuid",
    "language": "language lang idioma langue sprache",
    "posted_at": (
        "posted_at created_at published_at date_posted post_date posted date datetime timestamp "
        "fecha"
    ),
    "source": "source site website platform",
    "category": "category categoria categorie section",
    "location": "location city town place region ciudad provincia ville",
    "account_id": (
        "account_id account user_id user seller_id seller author_id poster_id advertiser_id"
    ),
    "url": "url link ad_url href",
    "price": "price rate salary salary_range precio prix preis",
} | {name: name for name in LABELS.names}
"""Canonical name -> usual names, the likelier first; without case and accents."""

CANONICAL = tuple(_USUAL)
"""Every name that --map may give a column."""

_TEXT_PARTS = ("title", "body", "text")


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Canonical name -> the file's column, callable on raw tables."""

    found: Mapping[str, str]

    def __call__(self, raw: pa.Table) -> pa.Table:
        """The table with canonical names: `text`, the recognised columns, then all others."""
        parts = [raw[self.found[part]] for part in _TEXT_PARTS if part in self.found]
        text: ArrowValues
        if len(parts) == 1:
            text = parts[0]
        elif "body" in self.found:
            text = join_lines(parts)
        else:
            text = _under_title(*parts)
        columns = {"text": text}
        columns |= {
            name: raw[column] for name, column in self.found.items() if name not in _TEXT_PARTS
        }
        used = set(self.found.values())
        rest = {name: raw[name] for name in raw.column_names if name not in used}
        # An unmapped column with a canonical name would be mistaken for the canonical one.
        reserved = {*ADS.names, *LABELS.names}
        columns |= {name: values for name, values in rest.items() if name not in reserved}
        return pa.table(columns)

    @property
    def text_columns(self) -> list[str]:
        """The file's columns that make up the text."""
        return [self.found[part] for part in _TEXT_PARTS if part in self.found]

    def only(self, canonical: Collection[str]) -> ColumnMap:
        """The map restricted to some columns, those of the text, and those of the id."""
        kept = {*_TEXT_PARTS, *IDENTIFYING, *canonical}
        return ColumnMap({name: column for name, column in self.found.items() if name in kept})

    def note(self, name: str) -> str:
        """One line about the renamed columns; empty if there are none."""
        renamed = {n: column for n, column in self.found.items() if n != column}
        pairs = ", ".join(f"{column} -> {canonical}" for canonical, column in renamed.items())
        return f"{name}: recognised {pairs}" if pairs else ""


def recognise(schema: pa.Schema, mapping: Mapping[str, str], name: str) -> ColumnMap:
    """The column map of a file.

    Raises:
        SourceError: if the mapping names a missing column, no column can be the text, or a
            column has an unsuitable type.
    """
    found = {
        canonical: _mapped(schema, canonical, mapping[canonical], name) for canonical in mapping
    }
    taken = set(found.values())
    by_name = {_plain(column): column for column in reversed(schema.names)}
    for canonical, usual in _USUAL.items():
        if canonical in found or ("text" in found and canonical == "body"):
            continue
        if canonical == "text" and "body" in found:
            continue
        column = next((by_name[alias] for alias in usual.split() if alias in by_name), None)
        if column is not None and column not in taken:
            found[canonical] = column
            taken.add(column)
    if "text" not in found and "body" not in found:
        raise _no_text(schema, name)
    for canonical, column in found.items():
        check_type(canonical, column, schema.field(column).type, name)
    return ColumnMap({canonical: found[canonical] for canonical in CANONICAL if canonical in found})


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Refuse a mapping to unknown canonical names, before any file is opened.

    Raises:
        SourceError: naming the nearest canonical name.
    """
    for canonical in mapping:
        if canonical not in CANONICAL:
            raise SourceError(
                f"--map {canonical}={mapping[canonical]}: adrisk has no column {canonical!r}"
                f"{did_you_mean(canonical, CANONICAL)}; it has {', '.join(CANONICAL)}"
            )
    if "text" in mapping and "body" in mapping:
        raise SourceError("--map names both text and body; text is the whole ad, keep one of them")


def _mapped(schema: pa.Schema, canonical: str, column: str, name: str) -> str:
    if column in schema.names:
        return column
    same = [found for found in schema.names if _plain(found) == _plain(column)]
    if same:
        return str(same[0])
    raise SourceError(
        f"{name}: --map {canonical}={column} names a column that does not exist"
        f"{did_you_mean(column, schema.names)}; the columns are {listed(schema)}"
    )


def _no_text(schema: pa.Schema, name: str) -> SourceError:
    titles = _USUAL["title"].split()
    title = next((column for column in schema.names if _plain(column) in titles), None)
    example = shlex.quote(f"text={title or 'COLUMN'}")
    return SourceError(
        f"{name}: no column looks like the text of an ad; the columns are {listed(schema)}. "
        f"Name the column: --map {example}"
    )


def listed(schema: pa.Schema) -> str:
    """The names of the columns, for a message."""
    # Without a header line these are words of an ad: shortened, and safe for a terminal.
    names = ["".join(c if c.isprintable() else "?" for c in name[:40]) for name in schema.names]
    return ", ".join(names[:30]) + (", ..." if len(names) > 30 else "") or "none"


def _plain(name: str) -> str:
    """The name in lower case without accents, with underscores as separators.

    >>> _plain(" Título-anuncio ")
    'titulo_anuncio'
    """
    letters = unicodedata.normalize("NFKD", name.strip().casefold())
    base = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return base.replace(" ", "_").replace("-", "_")


def _under_title(title: ArrowColumn, text: ArrowColumn) -> ArrowArray:
    """The text below its title, unless it already begins with the title."""
    joined = join_lines([title, text])
    titles, texts = text_parts(title).to_pylist(), text_parts(text)
    begins = pa.array(
        [
            bool(head) and body is not None and body.startswith(head)
            for head, body in zip(titles, texts.to_pylist(), strict=True)
        ],
        pa.bool_(),
    )
    titled: ArrowArray = pc.if_else(begins, texts, joined)
    return titled
