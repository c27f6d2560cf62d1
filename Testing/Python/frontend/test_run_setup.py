"""Before a run: its folder, its command, and where it all lies."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK
import slicer
import slicer.util

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.contract.runs import RunSettings, load_run, save_run
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.steps import runToEnd
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.running import run_writer, worker_command
from WeakMedSAMLib.frontend.running.run_writer import VolumeInRun, writeRunSteps

pytestmark = pytest.mark.usefixtures("fresh_settings")


def volumeNode(name, seed=0):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    array = np.random.default_rng(seed).integers(0, 500, (6, 9, 8)).astype(np.int16)
    slicer.util.updateVolumeFromArray(node, array)
    node.SetSpacing(0.7, 0.8, 2.5)
    node.SetOrigin(-10, 20, 30)
    return node, content_hash(array)


@pytest.fixture
def tagged():
    """Two volumes of one name, tagged, and the session."""
    session, volumes = TagSession(), [VolumeInRun(*volumeNode("Köpf/1", seed)) for seed in (1, 2)]
    for volume in volumes:
        session.ensureVolume(volume.node.GetName(), volume.sha256, "k", 6)
        session.tagRange(volume.sha256, session.classes.names[0], 2, 4, True)
    yield SimpleNamespace(session=session, volumes=volumes)
    for volume in volumes:
        slicer.mrmlScene.RemoveNode(volume.node)


# The run folder


def test_a_run_folder_holds_what_the_contract_says_and_no_name_in_a_path(tagged, tmp_path):
    run = runToEnd(
        writeRunSteps(tmp_path / "Läufe", tagged.volumes, tagged.session, RunSettings(device="cpu"), "c0ffee012345")
    )
    assert run.path.name == "run-c0ffee012345"
    description = load_run(run.path)
    assert description.run_id == "c0ffee012345"
    assert [volume.file for volume in description.volumes] == ["volumes/000.nrrd", "volumes/001.nrrd"]
    assert [volume.sha256 for volume in description.volumes] == [volume.sha256 for volume in tagged.volumes]
    assert description.settings.device == "cpu"
    assert all(volume.one_order for volume in description.volumes)
    assert description.versions["slicer"]
    tags = read_label_file(run.tags)
    assert tags.classes == tagged.session.classes
    for volume in description.volumes:
        assert tags.volume_for(volume.name, volume.sha256).state(tags.classes.names[0]).tolist() == [0, 0, 1, 1, 1, 0]
        image = SimpleITK.ReadImage(str(run.volume(volume)))
        assert content_hash(SimpleITK.GetArrayFromImage(image)) == volume.sha256
        assert image.GetSpacing() == pytest.approx((0.7, 0.8, 2.5))
    assert not [path for path in run.path.rglob("*") if "Köpf" in path.name or ".tmp" in path.name]


@pytest.mark.parametrize("pieces", [1, 2])
def test_of_a_run_that_is_cancelled_while_it_is_written_nothing_is_left(tagged, tmp_path, pieces, host):
    steps = writeRunSteps(tmp_path, tagged.volumes, tagged.session, RunSettings())
    for _piece in range(pieces):
        next(steps)
    steps.close()
    host.waitUntil(lambda: not list(tmp_path.iterdir()))


def test_a_run_that_is_cancelled_while_it_is_described_does_not_come_back(
    tagged, tmp_path, monkeypatch, host, allowance
):
    begun, go, gone = threading.Event(), threading.Event(), threading.Event()

    def describe(places, run, cohort):
        begun.set()
        go.wait(5)
        places.create()
        save_run(places.path, run)
        gone.set()

    monkeypatch.setattr(run_writer, "_describe", describe)
    steps = writeRunSteps(tmp_path, tagged.volumes, tagged.session, RunSettings())
    while not begun.is_set():
        next(steps)
    started = time.perf_counter()
    steps.close()
    assert time.perf_counter() - started < 0.5 * allowance, "the window does not wait for the disk"
    go.set()
    assert gone.wait(5)
    host.waitUntil(lambda: not list(tmp_path.iterdir()))


def test_a_disk_without_room_is_told_before_anything_is_written(tagged, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(UserError) as caught:
        runToEnd(writeRunSteps(tmp_path, tagged.volumes, tagged.session, RunSettings()))
    assert caught.value.code == "disk_full"
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_volumes_is_refused(tagged, tmp_path):
    with pytest.raises(UserError, match="No volume"):
        runToEnd(writeRunSteps(tmp_path, [], tagged.session, RunSettings()))


# The command


def test_the_worker_is_started_by_slicers_python_and_watches_slicer(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda name: f"/slicer/bin/{name}")
    command = worker_command.workerCommand(RunFolder(tmp_path / "run-1"), "cuda:1", 4711, tmp_path / "cache")
    assert command.program == "/slicer/bin/PythonSlicer"
    words = list(command.arguments)
    assert words[:3] == ["-m", "WeakMedSAMLib.engine", "run"]
    for name, value in (("--parent", "4711"), ("--device", "cuda:1"), ("--cache", str(tmp_path / "cache"))):
        assert words[words.index(name) + 1] == value
    assert "--events" in words
    root = Path(command.environment["PYTHONPATH"].split(":" if ":" in command.environment["PYTHONPATH"] else ";")[0])
    assert (root / "WeakMedSAMLib" / "engine").is_dir()


def test_without_slicers_python_this_one_is_used(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert worker_command.probeCommand().program == sys.executable


# Where it lies


def run_in(parent, number, extra=()):
    session = TagSession()
    node, sha256 = volumeNode(f"scan {number}", number)
    session.ensureVolume("scan", sha256, "k", 6)
    run = runToEnd(writeRunSteps(parent, [VolumeInRun(node, sha256)], session, RunSettings(), f"{number:012x}"))
    slicer.mrmlScene.RemoveNode(node)
    for name in extra:
        (run.path / name).write_text("mine", encoding="utf-8")
    return run


def test_places_are_chosen_and_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    usual = folders.runsFolder()
    assert usual.is_absolute()
    assert folders.cacheFolder() == pytest.importorskip("WeakMedSAMLib.engine.features.cache").FeatureCache().root
    folders.setRunsFolder(tmp_path / "Meine Läufe")
    assert folders.runsFolder() == tmp_path / "Meine Läufe"
    folders.setRunsFolder("")
    assert folders.runsFolder() == usual


def test_runs_are_listed_counted_and_deleted_but_nothing_else(tmp_path):
    runs = [run_in(tmp_path, number) for number in (1, 2)]
    other = tmp_path / "run-notours"
    other.mkdir()
    (other / "run.json").write_text("{}", encoding="utf-8")
    assert {found.folder for found in folders.runsOnDisk(tmp_path)} == {run.path for run in runs}
    total = runToEnd(folders.runSizeSteps(tmp_path))
    freed = runToEnd(folders.deleteRunSteps(runs[0].path))
    assert 0 < freed < total
    assert not runs[0].path.exists()
    assert runToEnd(folders.runSizeSteps(tmp_path)) == total - freed
    with pytest.raises(UserError) as caught:
        runToEnd(folders.deleteRunSteps(other))
    assert caught.value.code == "not_a_run"
    assert other.exists()


def test_files_of_the_user_in_a_run_folder_and_behind_links_stay(tmp_path):
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "scan.nrrd").write_text("x", encoding="utf-8")
    run = run_in(tmp_path / "runs", 3, extra=["notes.txt"])
    (run.path / "results").symlink_to(treasure, target_is_directory=True)
    runToEnd(folders.deleteRunSteps(run.path))
    assert [path.name for path in run.path.iterdir()] == ["notes.txt"]
    assert (treasure / "scan.nrrd").exists()


def test_every_place_of_a_run_folder_is_deleted_with_the_run(tmp_path):
    run = run_in(tmp_path, 4)
    known = [name for name, value in vars(RunFolder).items() if isinstance(value, property)]
    assert {"previews", "model", "log"} <= set(known)
    for place in (*(getattr(run, name) for name in known), run.results("000")):
        if not place.suffix and place != run.cancel:
            place.mkdir(parents=True, exist_ok=True)
            (place / "inside.png").write_bytes(b"1")
        elif not place.exists():
            place.write_bytes(b"1")
    runToEnd(folders.deleteRunSteps(run.path))
    assert not run.path.exists()


def test_pictures_of_patients_and_what_a_killed_worker_left_are_deleted_with_the_run(tmp_path):
    left = ["sub_classes.png", "sub_classes.json", ".lock", ".writable", ".tmp-0123456789ab.png", "previews"]
    run = run_in(tmp_path, 5, extra=left)
    runToEnd(folders.deleteRunSteps(run.path))
    assert not run.path.exists()


def test_empty_folders_go_with_the_run_and_the_user_s_files_are_named(tmp_path):
    run = run_in(tmp_path, 6)
    (run.path / "mine" / "empty").mkdir(parents=True)
    (run.path / "empty").mkdir()
    (run.path / "mine" / "notes.txt").write_text("mine", encoding="utf-8")
    runToEnd(folders.deleteRunSteps(run.path))
    assert folders.leftIn(run.path) == ["mine/notes.txt"]
    assert sorted(path.name for path in run.path.rglob("*")) == ["mine", "notes.txt"]


def test_what_is_left_of_a_run_that_was_never_described_can_be_deleted(tmp_path):
    cut, empty, other = (tmp_path / f"run-{number:012x}" for number in (7, 8, 9))
    (cut / "volumes").mkdir(parents=True)
    (cut / "volumes" / "000.nrrd").write_bytes(b"a patient")
    empty.mkdir()
    other.mkdir()
    (other / "scan.nrrd").write_bytes(b"mine")
    assert {found.folder for found in folders.runsOnDisk(tmp_path)} == {cut, empty}
    for folder in (cut, empty):
        runToEnd(folders.deleteRunSteps(folder))
    assert list(tmp_path.iterdir()) == [other]


def test_the_cache_is_cleared_but_for_what_a_run_uses_now(tmp_path):
    engine_cache = pytest.importorskip("WeakMedSAMLib.engine.features.cache")
    levels = {"image": ((2, 4, 4), "|u1")}
    keys = ["a" * 64, "b" * 64]
    with engine_cache.FeatureCache(tmp_path) as cache:
        for key in keys:
            with cache.writer(key, levels) as arrays:
                arrays["image"][:] = 1
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with engine_cache.FeatureCache(tmp_path) as cache:
        assert cache.entry(keys[0]) is not None
        assert runToEnd(folders.cacheSizeSteps(tmp_path)) > 0
        runToEnd(folders.clearCacheSteps(tmp_path))
        assert (tmp_path / keys[0]).is_dir()
        assert not (tmp_path / keys[1]).exists()
    runToEnd(folders.clearCacheSteps(tmp_path))
    assert not (tmp_path / keys[0]).exists()
    assert (tmp_path / "mine.txt").exists()


def test_sizes_in_words():
    assert [folders.sizeInWords(count) for count in (5_000, 45_000_000, 2_340_000_000)] == ["5 kB", "45 MB", "2.3 GB"]
