"""How to train the model again and tell that it is the same; its licence and where to ask.

In: the manifest. Out: the card's last lines, from the commands to the licence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adrisk.evaluation.card.words import Content
from adrisk.evaluation.markdown import plain, table


def lines(manifest: Content) -> list[str]:
    """Train it again, check it, use it; then the licence."""
    return [*_again(manifest), *_licence(manifest)]


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
