"""The folder of a scoring run: its paths, and whether a run may begin, go on or is finished.

A finished folder has a manifest. An unfinished one has `.work`, which its owner alone may read: the
inputs of the run, and what later steps need of every part. It refuses to go on where an input has
changed, before anything on disk is changed.
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
    """What an unfinished run says of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_id: str
    inputs: RunInputs


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run of scoring leaves its files."""

    path: Path

    @property
    def scores(self) -> Path:
        """One file of scores a part."""
        return self.path / layout.SCORES_FOLDER

    @property
    def work(self) -> Path:
        """What is kept until the run is done."""
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
        """Why the ads of a campaign are together."""
        return self.path / layout.LINKS_FILE

    @property
    def facts(self) -> Path:
        """What is known of every campaign."""
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
        """The scores that are there, in order."""
        return sorted(self.scores.glob(layout.PART_FILES))

    @property
    def begun(self) -> bool:
        """Whether a run was begun here and not finished."""
        return self.state.exists()

    def check_use(self, sources: Sequence[str], resume: bool) -> None:
        """Refuse a folder that holds something else, or a run that is not to be resumed.

        Raises:
            UsageError: saying what to do; nothing on disk was changed.
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
        """Refuse to go on with an unfinished run of which an input has changed.

        Raises:
            UsageError: saying which, and what to do; nothing on disk was changed.
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
        """The manifest of a run of the same inputs that is finished; None where none is.

        Raises:
            UsageError: if a run is finished, but of something else.
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
        """Make the folders of a run, and note what it reads."""
        writable(self.work).chmod(0o700)  # texts that may be flagged lie here until the run is done
        state = _State(run_id=inputs.run_id, inputs=inputs)
        write_json(self.state, state.model_dump(mode="json"))
        writable(self.scores)
        drafts = (*self.path.glob(".*.draft"), *self.path.glob("*/.*.draft"))
        for draft in drafts:  # of a run that was killed
            draft.unlink()

    def clear_unfinished(self) -> set[str]:
        """Remove what belongs to no finished part; returns the names of the finished ones."""
        done = {path.stem for path in self.part_files()}
        for path in (*self.work.glob("part-*"), *self.scores.iterdir()):
            if path.name.split(".")[0] not in done:
                path.unlink()
        return done

    def check_sources(self, inputs: RunInputs, stream: AdStream) -> None:
        """Make sure that the files that were read are those whose fingerprints were noted.

        Raises:
            RunError: if one was replaced meanwhile.
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
        """Leave only the quarantine of a run that found no ads."""
        shutil.rmtree(self.work)
        self.scores.rmdir()

    def finish(self) -> None:
        """Remove what was kept for the steps of a run."""
        shutil.rmtree(self.work)
