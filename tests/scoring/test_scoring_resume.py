"""A run is resumed only where all that it reads is what it was; else it says what changed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from adrisk import layout
from adrisk.api import Scored, score
from adrisk.errors import AdriskError, RunError, UsageError
from adrisk.extract.pseudonyms import rotate
from adrisk.ingest.locations import SourceFile
from adrisk.model.model import Model
from adrisk.policy.policy import PolicyConfig
from adrisk.rules.ruleset import load_ruleset
from adrisk.scoring import parts
from adrisk.scoring.inputs import RunInputs
from builders import make_texts

POLICY = PolicyConfig(review_at=0.5, urgent_at=0.85, capacity=20)


class Night:
    """A folder of ads, a run over it, and what it left."""

    def __init__(self, place: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ads, self.out, self.workspace = place / "night", place / "out", place / "ws"
        self.file = self.ads / "ads.jsonl"
        self.policy, self.model_folder, self.monkeypatch = POLICY, model_folder, monkeypatch
        self.rules = load_ruleset()
        self.ads.mkdir()
        texts, _ = make_texts(120, 12, seed=8)
        rows = [{"ad_id": f"ad{n:03}", "text": text} for n, text in enumerate(texts)]
        self.file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(self, *, resume: bool = False) -> Scored:
        return score(
            Model.load(self.model_folder, rules=self.rules),
            [str(self.ads)],
            self.out,
            self.workspace,
            policy=self.policy,
            resume=resume,
            workers=1,
        )

    def stop_after(self, count: int) -> None:
        write, written = parts.write_part, []

        def stopping(*args: object) -> None:
            if len(written) == count:
                raise KeyboardInterrupt
            write(*args)  # type: ignore[arg-type]
            written.append(1)

        with self.monkeypatch.context() as patch:
            patch.setattr(parts, "write_part", stopping)
            with pytest.raises(KeyboardInterrupt):
                self.run()

    def contents(self) -> dict[str, bytes]:
        files = (path for path in self.out.rglob("*") if path.is_file())
        return {str(path.relative_to(self.out)): path.read_bytes() for path in files}

    def refused(self, match: str) -> None:
        """Resuming is refused with exit code 2, and nothing on disk has changed."""
        before = self.contents()
        with pytest.raises(AdriskError, match=match) as told:
            self.run(resume=True)
        assert told.value.exit_code == 2
        assert "\n" not in str(told.value)
        assert self.contents() == before


@pytest.fixture
def night(tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    monkeypatch.setattr(layout, "PART_ROWS", 32)
    monkeypatch.setattr(layout, "BATCH_ROWS", 16)
    return Night(tmp_path, model_folder, monkeypatch)


def replaced_in_its_size(night: Night) -> None:
    """Another word in the first ad; size and times stay."""
    times = os.stat(night.file)
    first, rest = night.file.read_bytes().split(b"\n", 1)
    assert b"Ad 0" in first
    night.file.write_bytes(first.replace(b"Ad 0", b"Ad 9") + b"\n" + rest)
    os.utime(night.file, ns=(times.st_atime_ns, times.st_mtime_ns))


def shortened(night: Night) -> None:
    lines = night.file.read_bytes().splitlines(keepends=True)
    night.file.write_bytes(b"".join(lines[:90]))


def deleted(night: Night) -> None:
    night.file.unlink()


def joined_by_another(night: Night) -> None:
    shutil.copy(night.file, night.ads / "more.jsonl")


def policy_changed(night: Night) -> None:
    night.policy = PolicyConfig(review_at=0.4, urgent_at=0.85, capacity=20)


def key_rotated(night: Night) -> None:
    rotate(night.workspace, "campaigns")


def key_lost(night: Night) -> None:
    (night.workspace / "keys" / "campaigns.key").unlink()


def taxonomy_changed(night: Night) -> None:
    platform = night.ads.parent / "platform.yaml"
    platform.write_text("restricted: {minor_recruitment: words.txt}\n")
    (night.ads.parent / "words.txt").write_text("a made-up phrase of a platform\n")
    night.rules = load_ruleset(platform)


SOURCES = [
    (replaced_in_its_size, "ads.jsonl .other content"),
    (shortened, "ads.jsonl .other content"),
    (deleted, "night: .*no file|holds no file"),
    (joined_by_another, "more.jsonl .not read before"),
]
OTHERS = [
    (policy_changed, "policy"),
    (key_rotated, "the key that names contacts"),
    (key_lost, "the key that names contacts"),
    (taxonomy_changed, "the taxonomy"),
]
Change = Callable[[Night], None]


def name_of(value: object) -> str:
    return getattr(value, "__name__", "")


@pytest.mark.parametrize(("change", "match"), SOURCES + OTHERS, ids=name_of)
def test_an_unfinished_run_is_not_resumed_where_an_input_has_changed(
    night: Night, change: Change, match: str
) -> None:
    night.stop_after(1)
    change(night)
    night.refused(match)


@pytest.mark.parametrize(
    ("change", "match"), [*SOURCES, (policy_changed, "policy"), (taxonomy_changed, "taxonomy")],
    ids=name_of,
)  # fmt: skip
def test_a_finished_run_is_not_finished_for_other_inputs(
    night: Night, change: Change, match: str
) -> None:
    night.run()
    change(night)
    night.refused(match)


def test_a_lost_key_is_not_made_anew_by_resuming(night: Night) -> None:
    night.stop_after(1)
    key_lost(night)
    night.refused("the key that names contacts")
    assert not (night.workspace / "keys" / "campaigns.key").exists()


def test_a_changed_restricted_list_is_a_changed_taxonomy(night: Night) -> None:
    taxonomy_changed(night)
    night.stop_after(1)
    (night.ads.parent / "words.txt").write_text("another made-up phrase\n")
    night.rules = load_ruleset(night.rules.platform_file)
    night.refused("the taxonomy")


def test_what_was_put_back_can_be_resumed_to_equal_bytes(night: Night, tmp_path: Path) -> None:
    whole = night.run()
    wanted = night.contents()
    shutil.rmtree(whole.folder)
    night.stop_after(2)
    content = night.file.read_bytes()
    replaced_in_its_size(night)
    night.refused("put back")
    night.file.write_bytes(content)
    night.run(resume=True)
    assert night.contents() == wanted


@pytest.mark.parametrize("change", [replaced_in_its_size, shortened], ids=name_of)
def test_where_a_store_hides_a_change_finished_parts_are_compared_with_what_is_read(
    night: Night, change: Change
) -> None:
    night.monkeypatch.setattr(RunInputs, "changes_since", lambda *_: [])
    night.stop_after(3)
    change(night)
    with pytest.raises(UsageError, match="sources that have changed"):
        night.run(resume=True)


def test_a_source_that_changes_while_it_is_read_fails_the_run(night: Night) -> None:
    version = SourceFile.version

    def before_it_changes(file: SourceFile) -> str:
        noted = version(file)
        replaced_in_its_size(night)
        return noted

    night.monkeypatch.setattr(SourceFile, "version", before_it_changes)
    with pytest.raises(RunError, match="changed while it was read"):
        night.run()
    assert not (night.out / layout.MANIFEST_FILE).exists()


def test_what_is_kept_of_an_unfinished_run_is_for_its_owner_alone(night: Night) -> None:
    night.stop_after(1)
    work = night.out / layout.WORK_FOLDER
    assert work.stat().st_mode & 0o777 == 0o700
    sidecars = list(work.glob("part-*"))
    assert len(sidecars) == 6
    assert {path.stat().st_mode & 0o777 for path in sidecars} == {0o600}
