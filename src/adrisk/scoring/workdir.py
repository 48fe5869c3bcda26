"""Folder of a scoring run: its paths, and the checks before a run begins or is resumed.

A finished folder has a manifest. An unfinished one has `.work`, readable by the owner only: the
inputs of the run, and the sidecars of its parts. A run with changed inputs is refused before
anything on disk is changed.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from adrisk import layout
from adrisk.errors import RunError, UsageError
from adrisk.files import new_folder, writable, write_json
from adrisk.ingest.stream import AdStream
from adrisk.scoring.inputs import RunInputs, SourceVersion, file_changes
from adrisk.scoring.manifest import Manifest, read_manifest

_OTHERWISE = "score into a new folder with -o"


class _State(BaseModel):
    """Content of `state.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_id: str
    inputs: RunInputs


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths and state of a scoring run."""

    path: Path

    @property
    def scores(self) -> Path:
        """Folder of the scores files, one a part."""
        return self.path / layout.SCORES_FOLDER

    @property
    def work(self) -> Path:
        """Folder of the sidecars, removed when the run is finished."""
        return self.path / layout.WORK_FOLDER

    @property
    def state(self) -> Path:
        """The inputs of an unfinished run."""
        return self.work / layout.STATE_FILE

    @property
    def campaigns(self) -> Path:
        """The campaign of every ad."""
        return self.path / layout.CAMPAIGNS_FILE

    @property
    def links(self) -> Path:
        """The links that join the ads of campaigns."""
        return self.path / layout.LINKS_FILE

    @property
    def facts(self) -> Path:
        """Facts and risk of every campaign."""
        return self.path / layout.FACTS_FILE

    @property
    def apart(self) -> Path:
        """Ads that escalate or are not judged."""
        return self.path / layout.APART_FILE

    @property
    def flags(self) -> Path:
        """The level of every ad."""
        return self.path / layout.FLAGS_FILE

    @property
    def quarantine(self) -> Path:
        """Rows that could not be ads."""
        return self.path / layout.QUARANTINE_FILE

    @property
    def manifest(self) -> Path:
        """Written last: a folder without it is not finished."""
        return self.path / layout.MANIFEST_FILE

    def sidecar(self, part: str, ending: str) -> Path:
        """A file of `.work` beside the scores of a part."""
        return self.work / f"{part}.{ending}"

    def part_file(self, number: int) -> Path:
        """The scores of a part."""
        return self.scores / f"part-{number:05d}.parquet"

    def part_files(self) -> list[Path]:
        """The scores files written so far, in order."""
        return sorted(self.scores.glob(layout.PART_FILES))

    @property
    def begun(self) -> bool:
        """Whether there is an unfinished run."""
        return self.state.exists()

    def check_use(self, sources: Sequence[str], resume: bool) -> None:
        """Refuse a folder with other content, or an unfinished run without `resume`.

        Raises:
            UsageError: nothing on disk was changed.
        """
        if self.begun or (resume and self.manifest.exists()):
            if not resume:
                raise UsageError(
                    f"{self.path} holds an unfinished run; add --resume to go on with it, "
                    "or remove the folder"
                )
            if "-" in sources:
                raise UsageError("standard input cannot be read again; score it into a new folder")
        else:
            new_folder(self.path, apart_from=layout.WORK_FOLDER)

    def check_inputs(self, inputs: RunInputs) -> None:
        """Refuse to resume a run of which an input has changed.

        Raises:
            UsageError: names the changes; nothing on disk was changed.
        """
        if not self.begun:
            return
        try:
            before = _State.model_validate_json(self.state.read_bytes()).inputs
        except (ValidationError, OSError) as error:
            raise UsageError(
                f"{self.state}: does not say what the unfinished run reads, so it cannot be gone "
                f"on with; {_OTHERWISE}"
            ) from error
        if changed := inputs.changes_since(before):
            raise UsageError(
                f"{self.path} holds an unfinished run whose inputs have changed since: "
                f"{', '.join(changed)}; put back what was there and repeat that command with "
                f"--resume, or {_OTHERWISE}"
            )

    def finished(self, inputs: RunInputs) -> Manifest | None:
        """The manifest of a finished run of the same inputs; None if no run is finished.

        Raises:
            UsageError: if a run of other inputs is finished.
        """
        if not self.manifest.exists():
            return None
        manifest = read_manifest(self.path)
        scored = [
            SourceVersion(path=file.path or "", bytes=file.bytes, version=file.sha256)
            for source in manifest.sources
            for file in source.files
        ]
        changed = file_changes(scored, inputs.files)
        if manifest.run_id != inputs.run_id:
            changed.append(
                "the arguments, the model, the policy, the taxonomy or the version of adrisk"
            )
        if changed:
            raise UsageError(
                f"{self.path} holds a finished run whose inputs have changed since: "
                f"{', '.join(changed)}; {_OTHERWISE}"
            )
        shutil.rmtree(self.work, ignore_errors=True)  # a run killed in its last moment left it
        return manifest

    def claim(self, inputs: RunInputs) -> None:
        """Make the folders of a run, and write its inputs to `state.json`."""
        writable(self.work).chmod(0o700)  # sidecars hold texts that may be flagged
        state = _State(run_id=inputs.run_id, inputs=inputs)
        write_json(self.state, state.model_dump(mode="json"))
        writable(self.scores)
        drafts = (*self.path.glob(".*.draft"), *self.path.glob("*/.*.draft"))
        for draft in drafts:  # of a run that was killed
            draft.unlink()

    def clear_unfinished(self) -> set[str]:
        """Remove the files of unfinished parts; returns the names of the finished ones."""
        done = {path.stem for path in self.part_files()}
        for path in (*self.work.glob("part-*"), *self.scores.iterdir()):
            if path.name.split(".")[0] not in done:
                path.unlink()
        return done

    def check_sources(self, inputs: RunInputs, stream: AdStream) -> None:
        """Check that the files read are those whose digests are in the inputs.

        Raises:
            RunError: if one was replaced since.
        """
        read = [
            SourceVersion(path=file["path"], bytes=file["bytes"], version=file["sha256"])
            for source in stream.description
            for file in source["files"]
            if file["sha256"] is not None
        ]
        noted = [file for file in inputs.files if file.path in {one.path for one in read}]
        if changed := file_changes(noted, read):
            raise RunError(
                f"a source was changed while it was read: {', '.join(changed)}; {_OTHERWISE}"
            )

    def abandon(self) -> None:
        """Remove all but the quarantine, for a run without ads."""
        shutil.rmtree(self.work)
        self.scores.rmdir()

    def finish(self) -> None:
        """Remove the sidecars."""
        shutil.rmtree(self.work)
