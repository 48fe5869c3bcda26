"""Agreement of linked campaigns with planted ones, compared with three baselines.

    python evaluation/benchmarks/campaigns.py [--ads 60000] [--seed 3] [--resamples 500]

Three corpora; the settings were chosen on other seeds. Planted ads; harder planted ads, in which a
quarter of the one-line ads have no contact and a quarter of all ads have a platform's footer; and
the synthetic ads that adrisk trains on, in which campaigns of one trade share sentences and
fictional phone numbers run out, so that unlike campaigns share them.

    exact      ads with equal folded text
    minhash    near-copies alone
    contacts   ads linked by any shared contact, without guards
    adrisk     near-copies and contacts, with guards

Pair F1, precision and recall over pairs of ads, and the adjusted Rand index, each with the 95 %
interval of a bootstrap over campaigns. Then the same ads in five nightly runs, compared with one
run. Writes evaluation/results/campaigns.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from pairs import Agreement, agree
from planted import Habits, planted
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.linking.link import link
from adrisk.linking.memory import remember
from adrisk.linking.run import Signed, Signer
from adrisk.linking.unique_texts import TextNumbers, unique_texts
from adrisk.synthetic.generate import generate
from adrisk.text.normalise import fold_column

RESULTS = Path(__file__).parents[1] / "results" / "campaigns.json"
HARDER = Habits(silent_short=0.25, footer=0.25)
NIGHTS = 5


def main() -> None:
    """Evaluate every corpus, print a table, write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ads", type=int, default=60_000, help="planted ads per corpus")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--resamples", type=int, default=500, help="bootstrap resamples")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="RESULTS.json")
    arguments = parser.parse_args()
    count, seed = arguments.ads, arguments.seed
    synthetic = pa.concat_tables(generate(max(count // 3, 100), seed=seed))
    corpora = {
        "planted": planted(count, seed),
        "planted, harder": planted(count, seed, HARDER),
        "synthetic": synthetic.rename_columns(
            ["campaign" if name == "campaign_id" else name for name in synthetic.column_names]
        ),
    }
    results = {name: _judged(name, ads, arguments.resamples, seed) for name, ads in corpora.items()}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "command": f"python evaluation/benchmarks/campaigns.py --ads {count} --seed {seed}",
        "interval": f"95 %, {arguments.resamples} draws of campaigns with replacement",
        "corpora": results,
    }
    arguments.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _judged(name: str, ads: pa.Table, resamples: int, seed: int) -> dict[str, object]:
    texts = TextNumbers()
    unique = unique_texts(ads.select(["text"]))
    text_of, new = texts.add(unique)
    distinct = unique.texts.take(pa.array(new))
    signed = Signer(Pseudonymiser(bytes(32), "evaluation"))((distinct, None))
    truth = ads["campaign"].to_pylist()
    linked = link(ads["ad_id"], signed.signatures, signed.contacts, text_of=text_of)
    copies = link(ads["ad_id"], signed.signatures, text_of=text_of)
    found: dict[str, Sequence[object]] = {
        "exact": fold_column(distinct).dictionary_encode().indices.to_numpy()[text_of].tolist(),
        "minhash": copies.campaigns["campaign_id"].to_pylist(),
        "contacts": _by_contact(signed, text_of).tolist(),
        "adrisk": linked.campaigns["campaign_id"].to_pylist(),
    }
    print(f"\n{name}: {len(ads):,} ads, {len(set(truth)):,} campaigns, {len(texts):,} texts")
    print(f"{'':22} {'pair F1':>22} {'precision':>10} {'recall':>7} {'adjusted Rand':>22}")
    judged = {}
    for side, groups in found.items():
        judged[side] = agree(truth, groups, resamples=resamples, seed=seed)
        _print(side, judged[side])
    nights = _night_by_night(ads["ad_id"], signed, text_of)
    judged["adrisk, 5 nights"] = agree(truth, nights, resamples=resamples, seed=seed)
    _print("adrisk, 5 nights", judged["adrisk, 5 nights"])
    agreement = agree(found["adrisk"], nights, resamples=20, seed=seed)
    print(f"five nights against all at once: pair F1 {agreement.f1.value:.4f}")
    slices = {}
    for column in ("script", "short"):
        if column in ads.column_names:
            values = np.array(ads[column].to_pylist(), dtype=object)
            for value in sorted(set(values), key=str):
                rows = np.flatnonzero(values == value)
                label = f"{column} {value}".lower()
                slices[label] = agree(
                    [truth[row] for row in rows],
                    [found["adrisk"][row] for row in rows],
                    resamples=resamples,
                    seed=seed,
                )
                _print(f"  {label}", slices[label])
    return {
        "ads": len(ads),
        "campaigns": len(set(truth)),
        "distinct_texts": len(texts),
        "largest_campaign": int(np.unique(truth, return_counts=True)[1].max()),
        "sides": {side: asdict(figures) for side, figures in judged.items()},
        "slices_of_adrisk": {label: asdict(figures) for label, figures in slices.items()},
        "five_nights_against_at_once_pair_f1": agreement.f1.value,
        "contacts_not_let_join": len(linked.guarded),
    }


def _print(side: str, found: Agreement) -> None:
    f1, rand = found.f1, found.rand
    print(
        f"{side:22} {f1.value:.3f} [{f1.low:.3f}, {f1.high:.3f}] {found.precision.value:>11.3f} "
        f"{found.recall.value:>7.3f} {rand.value:>8.3f} [{rand.low:.3f}, {rand.high:.3f}]",
        flush=True,
    )


def _by_contact(signed: Signed, text_of: np.ndarray) -> np.ndarray:
    """Groups of ads linked by any shared contact, without guards."""
    names = signed.contacts["name"].combine_chunks().dictionary_encode()
    rows, count = signed.contacts["row"].to_numpy(), len(signed.signatures)
    size = count + len(names.dictionary)
    edges = (np.ones(len(rows)), (rows, count + names.indices.to_numpy()))
    labels = connected_components(coo_array(edges, shape=(size, size)), directed=False)[1]
    shows = np.isin(text_of, rows)
    alone = size + np.arange(len(text_of))  # an ad without a contact joins nobody
    return np.where(shows, labels[text_of], alone)


def _night_by_night(ad_ids: pa.ChunkedArray, signed: Signed, text_of: np.ndarray) -> list[str]:
    """The campaign of every ad when a fifth of the ads is linked each night."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    row_of = signed.contacts["row"].to_numpy()
    with tempfile.TemporaryDirectory() as scratch, remember(Path(scratch), "nights") as memory:
        for night in range(NIGHTS):
            ads = np.arange(night, len(ad_ids), NIGHTS)
            used, texts = np.unique(text_of[ads], return_inverse=True)
            place = np.full(len(signed.signatures), -1)
            place[used] = np.arange(len(used))
            kept = np.flatnonzero(place[row_of] >= 0)
            contacts = signed.contacts.take(pa.array(kept))
            rows = pa.array(place[row_of[kept]], pa.int32())
            memory.link(
                ad_ids.take(pa.array(ads)),
                signed.signatures[used],
                contacts.set_column(0, contacts.schema.field("row"), rows),
                text_of=texts,
                now=start + timedelta(days=night),
            )
        columns = memory.campaigns().to_pydict()
    found = dict(zip(columns["ad_id"], columns["campaign_id"], strict=True))
    return [found[ad] for ad in ad_ids.to_pylist()]


if __name__ == "__main__":
    main()
