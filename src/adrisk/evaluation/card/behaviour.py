"""How the model did on the hand-written cases of `adrisk behave`.

In: the manifest. Out: the lines of "Behaviour".
"""

from __future__ import annotations

from collections.abc import Mapping

from adrisk.evaluation.card.words import Content, language, spaced
from adrisk.evaluation.markdown import percent, plain, table


def lines(manifest: Content) -> list[str]:
    """Cases passed by function and language, and how far the swaps move the risk."""
    found = manifest["behaviour"]
    languages = found["languages"]
    suites = found["suites"]

    def row(name: str, whole: Content, each: Mapping[str, Content]) -> list[str]:
        cells = [
            f"{each[code]['passed']}/{each[code]['n']}" if each.get(code, {}).get("n") else "-"
            for code in languages
        ]
        return [name, *cells, percent(whole)]

    rows = [
        row(spaced(name), entry["all"], entry["languages"])
        for name, entry in found["functions"].items()
    ]
    rows.append(row("**all**", found["all"], languages))
    moved = [
        [
            spaced(name),
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
            ["function", *map(language, languages), "all"],
            rows,
        ),
        *(["", "How far a swap that must not matter moves the risk:"] if moved else []),
        *table(["swap", "pairs", "could have failed", "mean move", "largest move"], moved),
    ]
