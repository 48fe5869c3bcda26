"""The figures of the README and of docs/judged.md, from the results in git.

    python evaluation/readme.py [--check]

Reads the manifests of the newest release in `models/` and the results on real ads in
`evaluation/results/real-*.json`, and writes what stands between the markers of the two pages:

    <!-- headline --> ...  <!-- /headline -->     README.md: the figures of one model
    <!-- quality -->  ...  <!-- /quality -->      judged.md: the released models and baselines
    <!-- real -->     ...  <!-- /real -->         judged.md: real job ads, alerts on lawful ones

With `--check` nothing is written, and the exit code is 1 if a page says something else.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from adrisk.escaping import plain
from adrisk.evaluation.markdown import figure, percent, table
from adrisk.evaluation.release_manifest import ReleaseManifest, read_release
from adrisk.evaluation.results import Evaluation, SourceAlerts
from adrisk.layout import MANIFEST_FILE
from adrisk.metrics.figures import read_result
from adrisk.metrics.results import Ranking

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": ("headline",), "docs/judged.md": ("quality", "real")}
"""The blocks of each page."""
BASELINES = ("rules", "TF-IDF + logistic regression", "keyword count", "length only")
_BENIGN = {"h2": "H-2", "eures": "EURES"}
_LEFT = (
    ". Ads in a language the model did not learn, and those too short or unreadable, are not "
    "judged but left to people"
)
_LEAST = 3  # functions of the behaviour suites that are named


def main(arguments: Sequence[str]) -> int:
    """Write the blocks, or only compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if it differs")
    asked = parser.parse_args(arguments)
    found = blocks(ROOT / "models", ROOT / "evaluation" / "results")
    stale = False
    for page, names in PAGES.items():
        path = ROOT / page
        before = path.read_text(encoding="utf-8")
        after = filled(before, {name: found[name] for name in names})
        stale |= after != before
        if asked.check:
            if after != before:
                print(f"{page} is not what the results give: python evaluation/readme.py")
            continue
        path.write_text(after, encoding="utf-8", newline="\n")
        print(f"{page}  {'written' if after != before else 'already says so'}")
    return int(asked.check and stale)


def blocks(models: Path, results: Path) -> dict[str, str]:
    """What stands between the markers, by their name."""
    real = [read_result(path, Evaluation) for path in sorted(results.glob("real-*.json"))]
    released = newest(models)
    return {
        "headline": headline(released, real),
        "quality": quality(released),
        "real": real_ads(real),
    }


def filled(readme: str, found: Mapping[str, str]) -> str:
    """The text with every block filled in.

    Raises:
        ValueError: if a marker is missing or stands twice.
    """
    for name, block in found.items():
        between = re.compile(rf"(?s)(<!-- {name} -->\n).*?(<!-- /{name} -->)")
        if len(between.findall(readme)) != 1:
            raise ValueError(f"the page needs one <!-- {name} --> and behind it <!-- /{name} -->")
        readme = between.sub(lambda m, block=block: f"{m[1]}{block}\n{m[2]}", readme)
    return readme


def newest(models: Path) -> list[ReleaseManifest]:
    """The manifests of the newest release, in the order in which they were trained."""
    found: dict[tuple[int, ...], list[ReleaseManifest]] = {}
    for path in sorted(models.glob(f"*/{MANIFEST_FILE}")):
        manifest = read_release(path.parent)
        version = manifest.release.partition("-")[0]
        found.setdefault(tuple(map(int, version.split("."))), []).append(manifest)
    if not found:
        return []
    return sorted(found[max(found)], key=lambda m: int(m.registered.version))


def headline(released: Sequence[ReleaseManifest], real: Sequence[Evaluation]) -> str:
    """The figures of the first released model, and of its family on real ads, in two sentences."""
    if not released:
        return "No release is in `models/`: `adrisk train configs/train/release.yaml` makes one."
    first = released[0]
    family, report = first.model.family, first.quality.report
    share, weakest = _functions(first)[0]
    lines = [
        f"`{family}` on synthetic ads: average precision {figure(report.risk.average_precision)} "
        f"({report.n:,} ads, {report.positives:,} risky); it passes "
        f"{percent(first.behaviour.all)} behaviour cases, fewest where the words are "
        f"{plain(weakest)} ({100 * share:.0f} %)."
    ]
    for content in real:
        if content.model.family == family and content.random_split:
            found = content.report
            lines.append(
                f"On {found.n:,} real job ads, {found.positives:,} of them labelled "
                f"{plain(content.data.target)}: "
                f"{figure(found.risk.average_precision)} with campaigns kept whole, "
                f"{figure(content.random_split.average_precision)} with single ads dealt at random."
            )
    return "\n" + " ".join(lines) + "\n"


def _functions(manifest: ReleaseManifest) -> list[tuple[float, str]]:
    """The functions of the behaviour suites with the share passed, the lowest first."""
    return sorted(
        (found.all.share, name.replace("_", " "))
        for name, found in manifest.behaviour.functions.items()
        if found.all.share is not None
    )


def quality(released: Sequence[ReleaseManifest]) -> str:
    """The released models beside the baselines, which are of the same ads."""
    if not released:
        return "No release is in `models/`: `adrisk train configs/train/release.yaml` makes one."
    head = ["", "average precision", "found, reviewing 1 %", "of that 1 % risky"]
    head += ["found, reviewing 5 %", "calibration error", "behaviour cases passed"]
    rows = []
    for manifest in released:
        name, risk = manifest.release, manifest.quality.report.risk
        rows.append(
            [
                f"[`{manifest.model.family}`](../models/{name}/card.md)",
                *_ranked(risk),
                figure(risk.calibration_error),
                percent(manifest.behaviour.all),
            ]
        )
    baselines = released[0].quality.rankings()
    for name in BASELINES:
        if name in baselines:
            named = f"{name} (circular)" if name == "rules" else name
            rows.append([plain(named), *_ranked(baselines[name]), "", ""])
    return "\n".join(
        [
            "",
            *(_judged_on(manifest) for manifest in released[:1]),
            *table(head, rows),
            "",
            *_apart(released),
            "",
        ]
    )


def _ranked(found: Ranking) -> list[str]:
    return [
        figure(found.average_precision),
        figure(found.recall_at_0_01),
        figure(found.precision_at_0_01),
        figure(found.recall_at_0_05),
    ]


def _judged_on(manifest: ReleaseManifest) -> str:
    report, data = manifest.quality.report, manifest.data
    version = manifest.release.partition("-")[0]
    return (
        f"Release {plain(version)}, judged on {report.n:,} ads of "
        f"{', '.join(map(plain, data.sources))} that nothing was learned from, in "
        f"{report.campaigns:,} campaigns, {report.positives:,} ads risky "
        f"({100 * report.prevalence:.1f} %):"
    )


def _apart(released: Sequence[ReleaseManifest]) -> list[str]:
    """What the table does not say: random split, weakest functions, and what it took."""
    lines = []
    random = released[0].quality.random_split
    if random:
        family = released[0].model.family
        lines.append(
            f"With single ads dealt at random `{family}` would have shown "
            f"{figure(random.average_precision)}."
        )
    for manifest in released:
        least = ", ".join(
            f"{name} {100 * share:.0f} %" for share, name in _functions(manifest)[:_LEAST]
        )
        lines.append(f"`{manifest.model.family}` passes least often: {plain(least)}.")
    seconds = sum(m.seconds.train + m.seconds.judge for m in released)
    lines.append(
        f"Training and judging all of them took {seconds / 60:.0f} minutes on "
        f"{released[0].machine.cores} cores."
    )
    return [" ".join(lines)]


def real_ads(results: Sequence[Evaluation]) -> str:
    """Real job ads by family, and the alerts of each on ads held to be lawful.

    Raises:
        ValueError: if the results are not of the same ads, and so stand beside each other wrongly.
    """
    if not results:
        return "No results on real ads are in `evaluation/results/`."
    if len({content.data.fingerprint for content in results}) > 1:
        raise ValueError(
            "evaluation/results/real-*.json are of different ads; make all of them anew"
        )
    results = sorted(results, key=_by_precision)
    report, data = results[0].report, results[0].data
    benign = list(dict.fromkeys(name for content in results for name in content.alerts))
    counted = {name: _alerts(results, name).n for name in benign}
    some_left = any(a.incomplete.value for c in results for a in c.alerts.values())
    rows = [
        [
            f"`{content.model.family}`",
            figure(content.report.risk.average_precision),
            figure(content.random_split and content.random_split.average_precision),
            *(_alerts_of(content.alerts.get(name)) for name in benign),
        ]
        for content in results
    ]
    baselines = results[0].rankings()
    empty = [""] * (1 + len(benign))
    rows += [
        [plain(name), figure(baselines[name].average_precision), *empty]
        for name in BASELINES
        if name in baselines
    ]
    head = ["average precision by family", "campaigns kept whole", "single ads dealt at random"]
    head += [f"alerts per 10,000 {_BENIGN.get(name, plain(name))} ads" for name in benign]
    return "\n".join(
        [
            "",
            f"{report.n:,} ads in {report.campaigns:,} campaigns, {report.positives:,} of "
            f"them positive ({plain(data.target)}); judged by {plain(data.split_by)}. Alerts "
            "are on lawful ads, at the policy's threshold ("
            + ", ".join(f"{_BENIGN.get(name, plain(name))} {n:,}" for name, n in counted.items())
            + f"){_LEFT if some_left else ''}:",
            *table(head, rows),
            "",
            *_promises(results),
        ]
    )


def _by_precision(found: Evaluation) -> float:
    """The best first."""
    return -(found.report.risk.average_precision.value or 0)


def _alerts_of(found: SourceAlerts | None) -> str:
    """Alerts of 10,000 ads, of 10,000 judged ones where not all are, and how many are not."""
    if found is None or not found.incomplete.value:
        return figure(found, 0)
    return (
        f"{figure(found, 0)}; of the {found.judged.n:,} judged {figure(found.judged, 0)}; "
        f"not judged {found.incomplete.value:,.0f}"
    )


def _promises(results: Sequence[Evaluation]) -> list[str]:
    """What each policy's threshold promises."""
    told: dict[str, list[str]] = {}
    for content in results:
        for words in dict.fromkeys(one.words for one in content.alerts.values()):
            told.setdefault(words, []).append(f"`{content.model.family}`")
    lines = [f"- {', '.join(families)}: {plain(words)}." for words, families in told.items()]
    return ["The policy's threshold:", "", *lines, ""] if lines else []


def _alerts(results: Sequence[Evaluation], name: str) -> SourceAlerts:
    return next(c.alerts[name] for c in results if name in c.alerts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
