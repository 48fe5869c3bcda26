"""The folder of a release: what it holds, how it is read, how all of them appear together.

In: models that are ready to be released. Out: `models/<version>-<family>/` with `manifest.json` and
`card.md`. A folder that is there already is never overwritten: the model is compared with it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adrisk.errors import RunError, UsageError
from adrisk.report.card import card
from adrisk.training.train import Trained

FORMAT = 1
MANIFEST, CARD = "manifest.json", "card.md"


@dataclass(frozen=True, slots=True)
class Released:
    """One model of a release.

    Attributes:
        name: version and family, such as 2026.11-ngram.
        trained: the registered model.
        manifest: what the card was made from.
        folder: where manifest and card are: the release's own, or where it was there already, the
            workspace's.
        differs: files that are not as in the release that was there already; None if none was.
    """

    name: str
    trained: Trained
    manifest: Mapping[str, Any]
    folder: Path
    differs: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A model that is ready to be released."""

    name: str
    trained: Trained
    manifest: Mapping[str, Any]

    @property
    def files(self) -> dict[str, str]:
        """Name and content of what a release's folder holds."""
        content = json.dumps(self.manifest, indent=2, ensure_ascii=False) + "\n"
        return {MANIFEST: content, CARD: card(self.manifest)}


def read_release(folder: Path) -> Mapping[str, Any]:
    """The manifest of a release.

    Raises:
        UsageError: if it cannot be read.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = content["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} is not the manifest of a release ({type(error).__name__}); take the folder "
            "from git again, or remove it and make the release anew"
        ) from error
    if not known:
        raise UsageError(
            f"{path} is of format {content['format']!r}, this adrisk reads {FORMAT}; take the "
            "adrisk that goes with it"
        )
    return dict(content)


def publish(folder: Path, workspace: Path, made: Sequence[Made]) -> tuple[Released, ...]:
    """Write every folder beside its place, then move all of them there."""
    released = []
    with tempfile.TemporaryDirectory(prefix=".release-", suffix=".draft", dir=folder) as scratch:
        for one in made:
            place = folder / one.name
            if place.exists():
                differs = _differs(read_release(place), one.manifest)
                place = workspace / one.name
                released.append(Released(one.name, one.trained, one.manifest, place, differs))
                continue
            draft = Path(scratch) / one.name
            draft.mkdir()
            for file, text in one.files.items():
                (draft / file).write_text(text, encoding="utf-8", newline="\n")
            released.append(Released(one.name, one.trained, one.manifest, place))
        for new in released:
            if new.differs is None:
                try:
                    (Path(scratch) / new.name).replace(new.folder)
                except OSError as error:
                    raise RunError(
                        f"{new.folder} cannot be written: {error.strerror or error}; the card is "
                        f"in {workspace / new.name}"
                    ) from error
    return tuple(released)


def _differs(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """The files of the weights that are not the same in two manifests."""
    names = sorted({*then["weights"], *now["weights"]})
    return tuple(n for n in names if then["weights"].get(n) != now["weights"].get(n))
