"""Inputs of a scoring run with their digests, so that it is resumed only if none has changed.

In: the opened sources, the model, the policy, the workspace. Out: `RunInputs`, stored in the folder
of an unfinished run, and the changes between two of them, in words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from adrisk import layout
from adrisk.extract.pseudonyms import LINKING, keys
from adrisk.ingest.stream import AdStream
from adrisk.model.model import Model
from adrisk.policy.policy import Policy
from adrisk.version import __version__


class SourceVersion(BaseModel):
    """A source file with its size and a version that changes with its content."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    bytes: int | None
    version: str | None


class RunInputs(BaseModel):
    """All inputs that determine the bytes of a scored folder.

    Attributes:
        adrisk: version of the library.
        model: fingerprint and version.
        policy: its id, which changes with any of its numbers.
        sources: SOURCE arguments.
        map: canonical column -> the files' column.
        part_rows: ads of a part.
        remember: the name under which campaigns are remembered, if they are.
        taxonomy: fingerprint of a platform's taxonomy, if one is used.
        files: of the sources, in order.
        rules: fingerprint of taxonomy and rules.
        contact_key: fingerprint of the key that names contacts; empty if there is none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    adrisk: str
    model: tuple[str, str]
    policy: str
    sources: tuple[str, ...]
    map: dict[str, str]
    part_rows: int
    remember: str | None
    taxonomy: str | None
    files: tuple[SourceVersion, ...]
    rules: str
    contact_key: str

    @property
    def run_id(self) -> str:
        """The name of a run: equal for equal arguments, written into every row."""
        key = self.model_dump(exclude={"files", "rules", "contact_key"}, exclude_none=True)
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode())
        return "r" + digest.hexdigest()[:16]

    def changes_since(self, before: RunInputs) -> list[str]:
        """The changed inputs, in words."""
        words = {
            "adrisk": f"adrisk itself (version {before.adrisk}, now {self.adrisk})",
            "model": "the model",
            "policy": "the policy",
            "sources": "the list of sources",
            "map": "the column mapping",
            "part_rows": "the size of a part",
            "remember": "the name that campaigns are remembered under",
            "rules": "the taxonomy or its rules",
            "contact_key": "the key that names contacts",
        }
        changed = [words[name] for name in words if getattr(self, name) != getattr(before, name)]
        return changed + file_changes(before.files, self.files)


def run_inputs(
    stream: AdStream,
    sources: Sequence[str],
    mapping: Mapping[str, str],
    model: Model,
    policy: Policy,
    workspace: Path,
    remember: str | None,
) -> RunInputs:
    """The inputs of a run; every local source is hashed whole."""
    rules = model.rules.fingerprint
    return RunInputs(
        adrisk=__version__,
        model=(model.fingerprint, model.version),
        policy=policy.policy_id,
        sources=tuple(sources),
        map=dict(mapping),
        part_rows=layout.PART_ROWS,
        remember=remember,
        taxonomy=rules if model.rules.platform_file else None,
        files=tuple(
            SourceVersion(path=file.name, bytes=file.stored_bytes, version=file.version())
            for file in stream.source_files
        ),
        rules=rules,
        contact_key=_contact_key(workspace),
    )


def _contact_key(workspace: Path) -> str:
    """The fingerprint of the key that names contacts; empty if there is none."""
    return next((facts.fingerprint for facts in keys(workspace) if facts.purpose == LINKING), "")


def file_changes(before: Sequence[SourceVersion], now: Sequence[SourceVersion]) -> list[str]:
    """Files that were replaced, added or left out, in words."""
    old, new = ({file.path: file for file in files} for files in (before, now))
    changed = [f"{path} (other content)" for path in new if path in old and _differ(old, new, path)]
    changed += [f"{path} (not read before)" for path in new if path not in old]
    return changed + [f"{path} (no longer there)" for path in old if path not in new]


def _differ(old: Mapping[str, SourceVersion], new: Mapping[str, SourceVersion], path: str) -> bool:
    """Whether a file has changed; where its version is unknown, its size decides."""
    if None in (old[path].version, new[path].version):
        return old[path].bytes != new[path].bytes
    return old[path].version != new[path].version
