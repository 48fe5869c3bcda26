"""How well the model ranks: ads, campaigns, against the baselines and the release's first model.

In: the manifest. Out: the lines of "Quality".
"""

from __future__ import annotations

from adrisk.evaluation.card.words import Content, synthetic
from adrisk.evaluation.markdown import figure, plain, table

_RANKING = ("average_precision", "recall_at_0.01", "precision_at_0.01", "recall_at_0.05")
_RANKING_HEAD = ("average precision", "recall at 1 %", "precision at 1 %", "recall at 5 %")


def lines(manifest: Content) -> list[str]:
    """Ads first, then the paired comparison, campaigns, and what a reviewer has to open."""
    quality = manifest["quality"]
    return [
        *_ads(manifest),
        *_beside(quality.get("beside")),
        *_campaigns(quality["report"].get("campaign_risk", {})),
        *_workload(quality["report"].get("workload")),
    ]


def _ads(manifest: Content) -> list[str]:
    """The model and the baselines, and what a split without care would have said."""
    quality = manifest["quality"]
    rows = [_ranked(f"**{plain(manifest['release'])}**", quality["report"]["risk"])]
    rows += [
        _ranked(plain(name), found)
        for name, found in quality.get("baselines", {}).items()
        if "left_out" not in found
    ]
    written = [
        "",
        "## Quality",
        "",
        "Recall and precision at the share of ads that is reviewed, the highest risk first.",
        *table(["", *_RANKING_HEAD], rows),
    ]
    if synthetic(manifest) and "rules" in quality.get("baselines", {}):
        written += [
            "",
            "The rules come from the hands that wrote the corpus: that comparison is circular.",
        ]
    if "random_split" in quality:
        random = quality["random_split"]
        written += [
            "",
            "The same recipe with single ads dealt at random, copies on both sides: average "
            f"precision {figure(random['average_precision'])}, {random['gap']:+.3f} against the "
            "split used here.",
        ]
    return written


def _ranked(name: str, found: Content) -> list[str]:
    return [name, *(figure(found[key]) for key in _RANKING)]


def _beside(found: Content | None) -> list[str]:
    """The paired comparison with the release's first model; nothing for that one."""
    if not found:
        return []
    names = {"risk": "risk", "indicators": "mean of the indicators that both learned"}
    return table(
        [
            "average precision of",
            "this model",
            plain(found["release"]),
            "difference, same draws of campaigns",
        ],
        [
            [words, *(figure(found[key][side]) for side in ("first", "second", "difference"))]
            for key, words in names.items()
            if key in found
        ],
    )


def _campaigns(found: Content) -> list[str]:
    """Risk of whole campaigns, by all of their ads and by the riskiest."""
    names = {"campaigns": "all of its ads", "campaigns by highest ad": "its riskiest ad"}
    return table(
        ["risk of a campaign, by", "campaigns", "risky", *_RANKING_HEAD, "calibration error"],
        [
            [
                words,
                f"{found[name]['average_precision']['n']:,}",
                f"{found[name]['average_precision']['positives']:,}",
                *(figure(found[name][key]) for key in _RANKING),
                figure(found[name]["calibration_error"]),
            ]
            for name, words in names.items()
            if name in found
        ],
    )


def _workload(found: Content | None) -> list[str]:
    """Items to open; nothing where that was not measured."""
    if not found:
        return []
    return table(
        [
            "shown to a reviewer as",
            "items",
            f"opened to see {100 * found['share_seen']:g} % of the risky ads",
        ],
        [
            [plain(name), f"{items['n']:,}", figure(items, 0)]
            for name, items in found["items"].items()
        ],
    )
