"""What the model cannot do: what it never read, where it is worst, what nothing is known of.

In: the manifest. Out: the lines of "Limits", chosen by the figures.
"""

from __future__ import annotations

from adrisk.evaluation.card.slices import weakest
from adrisk.evaluation.card.words import SLICES, Content, language, member, spaced, synthetic
from adrisk.evaluation.markdown import figure, plain


def lines(manifest: Content) -> list[str]:
    """One line for each limit."""
    report = manifest["quality"]["report"]
    written = ["", "## Limits", ""]
    if synthetic(manifest):
        written += [
            "- **It learned from generated ads.** No lawful public corpus carries trafficking "
            "labels. Before it orders a real queue, try it on your own labelled ads, set the "
            "threshold there, and keep the random audit share of the policy.",
        ]
    named = ", ".join(map(language, manifest["data"]["languages"]))
    languages = " and ".join(named.rsplit(", ", 1))
    written += [
        f"- It has read {languages}. Ads in other languages are marked `incomplete`, not clear.",
        "- It reads text alone, the first 20,000 characters. Most facts that matter are not in an "
        "ad.",
    ]
    for key, words in SLICES.items():
        weak = weakest(report["slices"].get(key, {}))
        if weak:
            name, found = weak
            written.append(
                f"- By {words} it ranks worst: {member(key, name)}, average precision "
                f"{figure(found['average_precision'])}, on {found['positives']:,} risky ads."
            )
    failed = sorted(
        (entry["all"]["share"], name)
        for name, entry in manifest["behaviour"]["functions"].items()
        if entry["all"]["n"] and entry["all"]["passed"] < entry["all"]["n"]
    )
    if failed:
        said = ", ".join(f"{spaced(name)} ({100 * share:.0f} %)" for share, name in failed[:3])
        written.append(f"- Behaviour cases it passes least often: {said}.")
    unheard = [name for name, found in report["indicators"].items() if not found["positives"]]
    if unheard:
        written.append(
            "- Not one ad of the report set shows "
            + ", ".join(plain(name) for name in unheard)
            + ": nothing is known of how well they are found."
        )
    precision = report["risk"]["precision_at_0.05"]
    if precision["value"] is not None:
        written.append(
            f"- Of 100 ads looked at when 5 % is reviewed, {100 * (1 - precision['value']):.0f} "
            f"were not risky here, where {100 * report['prevalence']:.1f} % of the ads are. Where "
            "fewer are, more flags are wrong."
        )
    return written
