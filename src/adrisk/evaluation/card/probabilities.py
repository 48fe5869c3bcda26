"""What a probability of this model means: its calibration, its thresholds, what they guarantee.

In: the manifest. Out: the lines of "Calibration" and "Thresholds and what they guarantee".
"""

from __future__ import annotations

from adrisk.evaluation.card.words import Content
from adrisk.evaluation.markdown import figure, plain, table


def lines(manifest: Content) -> list[str]:
    """Calibration, then thresholds."""
    return [*_calibration(manifest), *_thresholds(manifest)]


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
