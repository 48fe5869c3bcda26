"""Memory of campaigns between runs, so that new ads join earlier campaigns.

    with remember(workspace, "board", days=90) as memory:
        linked = memory.link(ad_ids, signatures, contacts, text_of=text_of)

Stored below `workspace/campaigns/NAME`, readable by the owner only: ids of ads and campaigns, when
an ad was last seen, signatures, keyed pseudonyms of contacts; no text, no plain contact. Ads not
seen for `days` are forgotten. A campaign keeps its id while one of its ads is remembered; where new
ads join two campaigns, the older id survives, with a note.

New ads are compared with every remembered text, so the result equals that of linking all at once,
except that earlier campaigns stay together (`adrisk.linking.link`).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from adrisk.documents import parse_json
from adrisk.errors import ConfigError, UsageError
from adrisk.layout import NEAR_COPY
from adrisk.linking.link import CONTACTS, Earlier, link
from adrisk.linking.links import Linked
from adrisk.linking.minhash import WIDTH
from adrisk.linking.shared_contacts import Guards
from adrisk.schema import optional
from adrisk.text.arrow import text_list
from adrisk.types import ArrowArray, ArrowColumn, ArrowValues, IntArray

FOLDER = "campaigns"
DAYS = 90
"""How long an ad is remembered after it was last seen."""

FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TIME = pa.timestamp("s", tz="UTC")
_ADS = pa.schema(
    [
        optional("ad_id", pa.string()),
        optional("text", pa.int64()),
        optional("campaign", pa.int64()),
        optional("seen", _TIME),
    ]
)
_TEXTS = pa.schema([("signature", pa.binary(4 * WIDTH))])
_CAMPAIGNS = pa.schema(
    [
        optional("campaign_id", pa.string()),
        optional("first_seen", _TIME),
        optional("lost", pa.bool_()),
    ]
)
_MERGED = pa.schema(
    [optional("campaign_id", pa.string()), optional("part_of", pa.string()), optional("at", _TIME)]
)


@dataclass(frozen=True, slots=True)
class _State:
    """Content of the memory.

    Attributes:
        ads: `text` is a row of the signatures, `campaign` a row of `campaigns`.
        signatures: shape (m, 64).
        contacts: `CONTACTS`.
        campaigns: the oldest first.
        merged: campaigns that became part of older ones.
    """

    ads: pa.Table
    signatures: NDArray[np.uint32]
    contacts: pa.Table
    campaigns: pa.Table
    merged: pa.Table

    @staticmethod
    def empty() -> _State:
        return _State(
            _ADS.empty_table(),
            np.zeros((0, WIDTH), dtype=np.uint32),
            CONTACTS.empty_table(),
            _CAMPAIGNS.empty_table(),
            _MERGED.empty_table(),
        )


class Memory:
    """Campaigns remembered under a name; see `remember`."""

    def __init__(self, folder: Path, days: int) -> None:
        self.folder, self.days = folder, days

    def link(
        self,
        ad_ids: ArrowValues,
        signatures: NDArray[np.uint32],
        contacts: pa.Table,
        *,
        text_of: IntArray | None = None,
        similarity: float = 0.7,
        guards: Guards | None = None,
        now: datetime | None = None,
    ) -> Linked:
        """`adrisk.linking.link` of these ads with the remembered ones; then stores them.

        A remembered ad is not counted twice: its new text replaces the old one, and its campaign
        stays.

        Args:
            ad_ids, signatures, contacts, text_of, similarity, guards: as for `link`.
            now: when these ads were seen; the present if left out.

        Returns:
            Campaigns of these ads; their sizes count the ads remembered. A link may lead to a
            remembered ad.
        """
        now = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
        n = len(ad_ids)
        text_of = np.arange(n, dtype=np.int64) if text_of is None else text_of
        old = self._read()
        before = _campaigns_of(old, ad_ids)
        kept = _remembered(old, ad_ids, now - timedelta(days=self.days))
        m = len(old.signatures)
        ids = pa.chunked_array([*kept["ad_id"].chunks, *_chunks(ad_ids)], pa.string())
        texts = np.concatenate((kept["text"].to_numpy(), m + text_of))
        moved = pa.array(contacts["row"].to_numpy() + np.int32(m), pa.int32())
        shown = pa.concat_tables(
            [old.contacts, pa.table([moved, contacts["name"]], schema=CONTACTS)]
        )
        signed, shown, texts = _deduplicate(
            np.concatenate((old.signatures, signatures)), shown, texts
        )
        campaign_of = np.concatenate((kept["campaign"].to_numpy(), before))
        lost = old.campaigns["lost"].to_numpy(zero_copy_only=False).copy()
        forgotten = np.bincount(old.ads["campaign"].to_numpy(), minlength=len(lost)) - np.bincount(
            kept["campaign"].to_numpy(), minlength=len(lost)
        )
        lost |= forgotten > 0
        linked = link(
            ids,
            signed,
            shown,
            text_of=texts,
            similarity=similarity,
            guards=guards,
            earlier=Earlier(old.campaigns["campaign_id"].combine_chunks(), campaign_of, lost),
        )
        seen = pa.chunked_array(
            [*kept["seen"].chunks, pa.array([now], _TIME).take(pa.array(np.zeros(n, np.int64)))]
        )
        self._write(_next_state(old, lost, linked, ids, texts, seen, signed, shown, now))
        return _new_ads_only(linked, len(kept))

    def campaigns(self) -> pa.Table:
        """The campaign of every ad remembered: `ad_id` and `campaign_id`."""
        state = self._read()
        ids = state.campaigns["campaign_id"].take(state.ads["campaign"])
        return pa.table([state.ads["ad_id"], ids], names=["ad_id", "campaign_id"])

    def _read(self) -> _State:
        current = self.folder / "current.json"
        if not current.exists():
            return _State.empty()
        try:
            pointer = parse_json(current.read_text(encoding="utf-8"))
            if pointer["format"] != FORMAT:
                raise ConfigError(
                    f"{current}: was written by another version of adrisk (format "
                    f"{pointer['format']}, expected {FORMAT}); remember under another name"
                )
            place = self.folder / pointer["version"]
            packed = pq.read_table(place / "texts.parquet", schema=_TEXTS)["signature"]
            return _State(
                pq.read_table(place / "ads.parquet", schema=_ADS),
                _unpacked(packed),
                pq.read_table(place / "contacts.parquet", schema=CONTACTS),
                pq.read_table(place / "campaigns.parquet", schema=_CAMPAIGNS),
                pq.read_table(place / "merged.parquet", schema=_MERGED),
            )
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise ConfigError(
                f"{self.folder}: the campaigns remembered there cannot be read "
                f"({type(error).__name__}); restore the folder from a backup, or remove it to "
                "start anew with new campaign ids"
            ) from error

    def _write(self, state: _State) -> None:
        """Write a new version, then the file that points to it, then delete old versions."""
        version = secrets.token_hex(8)
        place = self.folder / version
        place.mkdir(mode=0o700)
        packed = pa.Array.from_buffers(
            pa.binary(4 * WIDTH),
            len(state.signatures),
            [
                None,
                pa.py_buffer(
                    cast("memoryview", np.ascontiguousarray(state.signatures, dtype="<u4"))
                ),
            ],
        )
        for name, table in (
            ("ads", state.ads),
            ("texts", pa.table([packed], schema=_TEXTS)),
            ("contacts", state.contacts),
            ("campaigns", state.campaigns),
            ("merged", state.merged),
        ):
            pq.write_table(table, place / f"{name}.parquet", compression="zstd")
        draft = self.folder / f".current.{version}"
        draft.write_text(json.dumps({"format": FORMAT, "version": version}), encoding="utf-8")
        draft.replace(self.folder / "current.json")
        for other in self.folder.iterdir():
            if other.is_dir() and other.name != version:
                shutil.rmtree(other)


@contextmanager
def remember(workspace: Path, name: str, *, days: int = DAYS) -> Iterator[Memory]:
    """The campaigns remembered under a name, for one run at a time.

    Raises:
        UsageError: for a name that is no file name, days below 1, or while another run has it.
        ConfigError: when read, if what is remembered is damaged.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name campaigns to remember; use letters, digits, dots, - and _"
        )
    if days < 1:
        raise UsageError(f"ads are remembered for 1 day or more, got {days}")
    folder = workspace / FOLDER / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be written to ({error.strerror or error}); choose another "
            "workspace, or change its rights"
        ) from error
    try:
        _lock(lock, folder)
        yield Memory(folder, days)
    finally:
        os.close(lock)


def _lock(descriptor: int, folder: Path) -> None:
    """Lock the folder until the descriptor is closed or the process ends."""
    try:
        import fcntl
    except ImportError:  # not on Windows, where runs must be kept apart by hand
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise UsageError(
            f"another run is at work with {folder}; wait for it, or remember under another name"
        ) from error


def _chunks(ids: ArrowValues) -> list[ArrowArray]:
    whole = ids.cast(pa.string())
    return whole.chunks if isinstance(whole, pa.ChunkedArray) else [whole]


def _campaigns_of(old: _State, ad_ids: ArrowValues) -> IntArray:
    """The campaign that each ad is remembered in; -1 for new ads."""
    at = pc.index_in(ad_ids.cast(pa.string()), old.ads["ad_id"].combine_chunks())
    found = pc.fill_null(old.ads["campaign"].take(at), -1)
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _remembered(old: _State, ad_ids: ArrowValues, since: datetime) -> pa.Table:
    """The ads that are neither expired nor among the new ads."""
    repeated = pc.is_in(
        old.ads["ad_id"], pa.chunked_array(_chunks(ad_ids), pa.string()).combine_chunks()
    )
    fresh = pc.greater_equal(old.ads["seen"], pa.scalar(since, _TIME))
    return old.ads.filter(pc.and_(fresh, pc.invert(repeated)))


def _deduplicate(
    signatures: NDArray[np.uint32], contacts: pa.Table, text_of: IntArray
) -> tuple[NDArray[np.uint32], pa.Table, IntArray]:
    """Texts still in use, deduplicated where signature and contacts are equal."""
    coded = contacts["name"].combine_chunks().dictionary_encode()
    row = contacts["row"].to_numpy()
    # The digests of a text's contacts, added up: equal sets give equal sums.
    digests = np.array([int(name[:16], 16) for name in text_list(coded.dictionary)], np.uint64)
    sums = np.zeros(len(signatures), dtype=np.uint64)
    np.add.at(sums, row, digests[coded.indices.to_numpy()])
    keys = np.concatenate((signatures, sums.view(np.uint32).reshape(-1, 2)), axis=1)
    used, text_of = np.unique(text_of, return_inverse=True)
    keys = np.ascontiguousarray(keys[used]).view(f"V{4 * (WIDTH + 2)}").ravel()
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    place = np.full(len(signatures), -1, dtype=np.int64)
    place[used[first]] = np.arange(len(first))
    stays = place[row] >= 0
    shown = pa.table(
        [
            pa.array(place[row[stays]], pa.int32()),
            contacts["name"].filter(pa.array(stays)).combine_chunks(),
        ],
        schema=CONTACTS,
    )
    return signatures[used[first]], shown, number[text_of]


def _next_state(
    old: _State,
    lost: NDArray[np.bool_],
    linked: Linked,
    ids: ArrowColumn,
    text_of: IntArray,
    seen: ArrowColumn,
    signatures: NDArray[np.uint32],
    contacts: pa.Table,
    now: datetime,
) -> _State:
    """The next state: the campaigns that still have ads, the oldest first."""
    names = linked.campaigns["campaign_id"].combine_chunks().dictionary_encode()
    known = pc.index_in(names.dictionary, old.campaigns["campaign_id"].combine_chunks())
    first_seen = pc.fill_null(old.campaigns["first_seen"].take(known), pa.scalar(now, _TIME))
    before = old.campaigns["campaign_id"].combine_chunks()
    surviving = pc.index_in(pa.array([kept for _, kept in linked.merged], pa.string()), before)
    gone = pc.index_in(pa.array([gone for gone, _ in linked.merged], pa.string()), before)
    lost = lost.copy()
    lost[surviving.to_numpy()] |= lost[gone.to_numpy()]
    lost_of = pc.fill_null(pa.array(lost, pa.bool_()).take(known), False)
    campaigns = pa.table([names.dictionary, first_seen, lost_of], schema=_CAMPAIGNS)
    order = pc.sort_indices(campaigns, [("first_seen", "ascending"), ("campaign_id", "ascending")])
    number = np.empty(len(order), dtype=np.int64)
    number[order.to_numpy()] = np.arange(len(order))
    merged = [
        [gone for gone, _ in linked.merged],
        [kept for _, kept in linked.merged],
        [now] * len(linked.merged),
    ]
    return _State(
        pa.table([ids, text_of, number[names.indices.to_numpy()], seen], schema=_ADS),
        signatures,
        contacts,
        campaigns.take(order),
        pa.concat_tables([old.merged, pa.table(merged, schema=_MERGED)]),
    )


def _new_ads_only(linked: Linked, remembered: int) -> Linked:
    """The result for the new ads, with the links that connect them to their campaigns."""
    campaigns = linked.campaigns.slice(remembered)
    new_ids, links = campaigns["ad_id"].combine_chunks(), linked.links
    in_campaigns = pc.is_in(links["campaign_id"], pc.unique(campaigns["campaign_id"]))
    between = pc.and_(in_campaigns, pc.not_equal(links["kind"], NEAR_COPY))
    bridges = links.filter(between)
    ends = pa.concat_arrays([*bridges["ad_id"].chunks, *bridges["other_ad_id"].chunks, new_ids])
    reached = pc.and_(in_campaigns, pc.is_in(links["ad_id"], ends))
    # Where the new ad is the typical one, one link from a remembered ad is kept.
    to_new = pc.and_(
        pc.and_(in_campaigns, pc.is_in(links["other_ad_id"], new_ids)), pc.invert(reached)
    )
    rows = np.flatnonzero(to_new.to_numpy(zero_copy_only=False))
    others = links["other_ad_id"].take(rows).combine_chunks().dictionary_encode()
    first = np.unique(others.indices.to_numpy(), return_index=True)[1]
    kept_links = pc.or_(between, reached).to_numpy(zero_copy_only=False).copy()
    kept_links[rows[first]] = True
    return Linked(
        campaigns,
        links.filter(pa.array(kept_links)),
        linked.guarded,
        _texts_of(new_ids, links, linked.texts[remembered:] - remembered),
        linked.merged,
        linked.parted,
        linked.notes,
    )


def _texts_of(new_ids: ArrowArray, links: pa.Table, typical: IntArray) -> IntArray:
    """The near-copy group of each new ad. A group whose typical ad is only remembered (below 0) is
    numbered after the last row, in the order of the links to that ad."""
    to_new = np.flatnonzero(typical < 0)
    at = pc.index_in(links["ad_id"], new_ids.take(to_new))
    copies = at.filter(pc.equal(links["kind"], NEAR_COPY)).drop_null()
    number = pc.take(pa.array(typical[to_new]), copies).combine_chunks().dictionary_encode()
    texts = typical.copy()
    texts[to_new[copies.to_numpy()]] = len(new_ids) + number.indices.to_numpy()
    return texts


def _unpacked(packed: ArrowColumn) -> NDArray[np.uint32]:
    data = b"".join(
        cast("pa.Buffer", chunk.buffers()[1])
        .slice(4 * WIDTH * chunk.offset, 4 * WIDTH * len(chunk))
        .to_pybytes()
        for chunk in packed.chunks
        if len(chunk)
    )
    return np.frombuffer(data, dtype="<u4").astype(np.uint32).reshape(-1, WIDTH)
