"""The card's opening: what the model is, how good it is in five figures, what it is for and not.

In: the manifest. Out: the lines from the title to who could be harmed.
"""

from __future__ import annotations

from adrisk.evaluation.card.words import Content, synthetic
from adrisk.evaluation.markdown import code, figure, percent, plain, table

_FAMILIES = {
    "ngram": "hashed bytes and words with linear heads, the fast family",
    "linear": "TF-IDF with linear heads",
    "encoder": "a fine-tuned text encoder",
    "cascade": "the fast family for every ad, an encoder again for those near the threshold",
}


def lines(manifest: Content) -> list[str]:
    """What it is, in short, what it is for."""
    return [*_head(manifest), *_short(manifest), *_purpose()]


def _head(manifest: Content) -> list[str]:
    model = manifest["model"]
    return [
        f"# Model card: adrisk {plain(manifest['release'])}",
        "",
        "Ranks online text ads for review by a person who looks for recruitment into, or sale in, "
        "human trafficking. **A flag asks a person to look. It never accuses, never removes and "
        "never reports by itself.**",
        "",
        f"Family {code(model['family'])}: {_FAMILIES.get(model['family'], 'a family of its own')}; "
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
    model = manifest["model"]
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
                f"generator planted, and nothing of the field.**{_circular(model)}",
            ]
            if synthetic(manifest)
            else []
        ),
    ]


def _circular(model: Content) -> str:
    """What the rules' findings mean for the figures; nothing where the model does not read them."""
    if not model["parameters"].get("findings"):
        return ""
    return (
        " The model reads, beside the text, what the evidence rules find, and these come from the "
        "hands that wrote the generator: so far the figures are circular."
    )


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
