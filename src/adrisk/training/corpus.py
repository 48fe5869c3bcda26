"""A corpus in memory with campaigns and labels, for training and evaluation."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from adrisk.batch import TextBatch, prepare_ads
from adrisk.documents import parse_json
from adrisk.errors import CorpusError
from adrisk.files import writable
from adrisk.ingest.adapters.base import ReadOptions
from adrisk.ingest.quarantine import Quarantine, no_ads
from adrisk.ingest.run import SOURCES_KEY, KnownIndicators
from adrisk.ingest.stream import open_ads
from adrisk.labels.join import majority_votes
from adrisk.labels.targets import UNKNOWN_RISK, Targets, targets_of
from adrisk.labels.votes import read_votes
from adrisk.layout import QUARANTINE_FILE
from adrisk.linking.run import link_texts
from adrisk.progress import say, track
from adrisk.rules.ruleset import Ruleset, load_ruleset
from adrisk.rules.taxonomy import Taxonomy
from adrisk.types import RISKY, ArrowColumn, IntArray


@dataclass(frozen=True, slots=True)
class Corpus:
    """n ads with their campaigns and labels.

    Attributes:
        ads: the table.
        batch: the same ads, prepared for models.
        campaigns: shape (n,), numbers; ads joined by `campaign_id`, or linked as in scoring.
        linked: shape (n,), numbers; ads linked as in scoring, without `campaign_id`.
        texts: shape (n,), numbers of near-duplicate groups.
        targets: labels for every text indicator of the taxonomy, and risk.
        sources: as given; for a file written by `ingest`, its sources.
        fingerprint: SHA-256 over ids and texts.
        target: description of the labels for reports.
        quarantined: rows that could not become ads.
    """

    ads: pa.Table
    batch: TextBatch
    campaigns: IntArray
    linked: IntArray
    texts: IntArray
    targets: Targets
    sources: tuple[str, ...]
    fingerprint: str
    target: str
    quarantined: int

    def __len__(self) -> int:
        return len(self.ads)

    @property
    def rules(self) -> Ruleset:
        """The taxonomy of its labels, and the rules applied to its ads."""
        return self.batch.rules

    @property
    def risky(self) -> NDArray[np.bool_]:
        """Shape (n,), whether risk is labelled 2 or 3."""
        return np.asarray(self.targets.risk >= RISKY)


def load_corpus(
    sources: Sequence[str],
    *,
    mapping: Mapping[str, str] | None = None,
    quarantine: Path | None = None,
    rules: Ruleset | None = None,
) -> Corpus:
    """Read sources whole, join their ads into campaigns, and read the labels.

    Args:
        sources: SOURCE arguments; a file written by `ingest` is one.
        mapping: canonical column -> the files' column.
        quarantine: file for rejected rows, each with a reason; written only if there are any.
        rules: with the taxonomy of the labels; those of adrisk if left out.

    Raises:
        CorpusError: if there are no ads.
    """
    if quarantine is not None:
        writable(quarantine.parent)
    with tempfile.TemporaryDirectory() as scratch:
        path = quarantine or Path(scratch) / QUARANTINE_FILE
        with Quarantine(path) as rejected:
            stream = open_ads(sources, ReadOptions(mapping or {}), rejected)
            for note in stream.notes:
                say(note)
            with track("read", stream.total_rows) as advance:
                tables = []
                for table in stream:
                    tables.append(table)
                    advance(len(table))
        if not rejected.count:
            path.unlink(missing_ok=True)
    if not tables and quarantine is not None:
        raise no_ads(sources, rejected)
    if not tables:
        raise CorpusError(f"{', '.join(sources)} holds no ads; check the path and the file")
    ads = pa.concat_tables(tables).combine_chunks()
    known = KnownIndicators()
    known.add(ads)
    if known.note:
        say(known.note)
    with track("link", len(ads)) as advance:
        found = link_texts(ads)
        linked = codes_of(found.campaigns["campaign_id"])
        campaigns = campaign_numbers(ads, linked)
        advance(len(ads))
    rules = rules or load_ruleset()
    return Corpus(
        ads=ads,
        batch=prepare_ads(ads, rules),
        campaigns=campaigns,
        linked=linked,
        texts=found.texts,
        targets=replace(plain_targets(ads, rules.taxonomy), campaigns=campaigns),
        sources=tuple(origin for source in sources for origin in _origins(source)),
        fingerprint=stream.fingerprint,
        target=describe_target(ads),
        quarantined=rejected.count,
    )


def plain_targets(ads: pa.Table, taxonomy: Taxonomy) -> Targets:
    """Labels from the label columns; for ads without any, the majority of their votes.

    Raises:
        CorpusError: if a vote is malformed.
    """
    indicators = taxonomy.text_ids
    given = targets_of(ads, indicators)
    ballots = read_votes(ads, indicators)
    if not ballots:
        return given
    unlabelled = (given.risk == UNKNOWN_RISK) & np.isnan(given.indicators).all(axis=1)
    return given.where(unlabelled, majority_votes(ballots, indicators, len(ads)))


def campaign_numbers(ads: pa.Table, linked: IntArray) -> IntArray:
    """A number for each ad's campaign, by `campaign_id` and by linking together.

    A campaign of the corpus may have near-duplicates outside it, and a near-duplicate of a training
    ad must not be a test ad.
    """
    count = len(ads)
    rows = np.arange(count)
    edges = [(rows, count + linked)]
    if "campaign_id" in ads.column_names:
        named = pc.is_valid(ads["campaign_id"]).to_numpy()
        given = codes_of(pc.fill_null(ads["campaign_id"], ""))
        edges.append((rows[named], 2 * count + given[named]))
    left = np.concatenate([a for a, _ in edges])
    right = np.concatenate([b for _, b in edges])
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(3 * count,) * 2)
    _, component = connected_components(graph, directed=False)
    return np.unique(component[:count], return_inverse=True)[1].astype(np.int64)


def describe_target(ads: pa.Table) -> str:
    """Description of the labels of a corpus, by their sources; reports name a score by it."""
    if "label_source" not in ads.column_names:
        return "risk as labelled in the corpus"
    named = Counter(name for name in ads["label_source"].to_pylist() if name)
    words = []
    for name, _ in named.most_common():
        corpus, _, meaning = name.partition(":")
        if corpus == "synthetic":
            words.append("risk of trafficking (synthetic labels)")
        elif meaning:
            words.append(f"{meaning.replace('_', ' ')} ({corpus})")
        else:
            words.append(f"risk as labelled by {corpus}")
    return ", ".join(dict.fromkeys(words)) or "risk as labelled in the corpus"


def _origins(source: str) -> list[str]:
    """Sources of an ingested file; any other source is its own."""
    if not (source.endswith(".parquet") and Path(source).is_file()):
        return [source]
    noted = (pq.read_metadata(source).metadata or {}).get(SOURCES_KEY.encode())
    return [str(origin) for origin in parse_json(noted)] if noted else [source]


def codes_of(names: ArrowColumn) -> IntArray:
    """A number for each name, by first occurrence."""
    return np.asarray(
        names.combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False),
        dtype=np.int64,
    )
