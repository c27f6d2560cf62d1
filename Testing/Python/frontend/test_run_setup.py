"""Before a run: its folder, its command, what to expect of it, what is missing, and where it all lies."""

from __future__ import annotations

import importlib.metadata
import json
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

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.contract.runs import RunSettings, load_run, save_run
from WeakMedSAMLib.contract.tag_files import read_tags
from WeakMedSAMLib.contract.tags import CohortTags, VolumeTags
from WeakMedSAMLib.frontend.running import dependencies, estimates, places, run_writer, worker_command
from WeakMedSAMLib.frontend.running.estimates import RunSize
from WeakMedSAMLib.frontend.running.installer import Installer
from WeakMedSAMLib.frontend.running.line_reader import TOO_LONG, LineReader
from WeakMedSAMLib.frontend.running.run_progress import RunProgress, stageInWords
from WeakMedSAMLib.frontend.running.run_writer import writeRunSteps
from WeakMedSAMLib.frontend.steps import runToEnd
from WeakMedSAMLib.frontend.tagging.tag_session import TagSession
from WeakMedSAMLib.frontend.trial import fake_worker

SHA = "ab" * 32


def volumeNode(name, seed=0):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    array = np.random.default_rng(seed).integers(0, 500, (6, 9, 8)).astype(np.int16)
    slicer.util.updateVolumeFromArray(node, array)
    node.SetSpacing(0.7, 0.8, 2.5)
    node.SetOrigin(-10, 20, 30)
    return node, content_hash(array)


@pytest.fixture(autouse=True)
def _fresh(scene):
    """An empty scene, and settings as at the first start."""
    slicer.app.userSettings().clear()


@pytest.fixture
def tagged():
    """Two volumes of one name, tagged, and the session."""
    session, pairs = TagSession(), [volumeNode("Köpf/1", seed) for seed in (1, 2)]
    for node, sha256 in pairs:
        session.ensureVolume(node.GetName(), sha256, "k", 6)
        session.tagRange(sha256, session.classes.names[0], 2, 4, True)
    yield SimpleNamespace(session=session, pairs=pairs)
    for node, _sha256 in pairs:
        slicer.mrmlScene.RemoveNode(node)


# The run folder


def test_a_run_folder_holds_what_the_contract_says_and_no_name_in_a_path(tagged, tmp_path):
    run = runToEnd(
        writeRunSteps(tmp_path / "Läufe", tagged.pairs, tagged.session, RunSettings(device="cpu"), "c0ffee012345")
    )
    assert run.path.name == "run-c0ffee012345"
    description = load_run(run.path)
    assert description.run_id == "c0ffee012345"
    assert [volume.file for volume in description.volumes] == ["volumes/000.nrrd", "volumes/001.nrrd"]
    assert [volume.sha256 for volume in description.volumes] == [sha256 for _node, sha256 in tagged.pairs]
    assert description.settings.device == "cpu"
    assert description.versions["slicer"]
    tags = read_tags(run.tags)
    assert tags.classes == tagged.session.classes
    for volume in description.volumes:
        assert tags.volume_for(volume.name, volume.sha256).state(tags.classes.names[0]).tolist() == [0, 0, 1, 1, 1, 0]
        image = SimpleITK.ReadImage(str(run.volume(volume)))
        assert content_hash(SimpleITK.GetArrayFromImage(image)) == volume.sha256
        assert image.GetSpacing() == pytest.approx((0.7, 0.8, 2.5))
    assert not [path for path in run.path.rglob("*") if "Köpf" in path.name or ".tmp" in path.name]


@pytest.mark.parametrize("pieces", [1, 2])
def test_of_a_run_that_is_cancelled_while_it_is_written_nothing_is_left(tagged, tmp_path, pieces, host):
    steps = writeRunSteps(tmp_path, tagged.pairs, tagged.session, RunSettings())
    for _piece in range(pieces):
        next(steps)
    steps.close()
    host.waitUntil(lambda: not list(tmp_path.iterdir()))


def test_a_run_that_is_cancelled_while_it_is_described_does_not_come_back(tagged, tmp_path, monkeypatch, host):
    begun, go, gone = threading.Event(), threading.Event(), threading.Event()

    def describe(places, run, cohort):
        begun.set()
        go.wait(5)
        places.create()
        save_run(places.path, run)
        gone.set()

    monkeypatch.setattr(run_writer, "_describe", describe)
    steps = writeRunSteps(tmp_path, tagged.pairs, tagged.session, RunSettings())
    while not begun.is_set():
        next(steps)
    started = time.perf_counter()
    steps.close()
    assert time.perf_counter() - started < 0.5, "the window does not wait for the disk"
    go.set()
    assert gone.wait(5)
    host.waitUntil(lambda: not list(tmp_path.iterdir()))


def test_a_disk_without_room_is_told_before_anything_is_written(tagged, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(UserError) as caught:
        runToEnd(writeRunSteps(tmp_path, tagged.pairs, tagged.session, RunSettings()))
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


# What to expect


def cohort(*ranges, n_slices=30):
    volumes = []
    for number, (first, last) in enumerate(ranges):
        volume = VolumeTags(f"scan {number}", f"{number:064x}", n_slices=n_slices)
        volume.tag_range("tumour", first, last)
        volumes.append(volume)
    return CohortTags(ClassTable.from_names(["tumour"]), volumes)


def test_the_size_of_a_run_counts_slices_tags_and_what_is_cached():
    tags = cohort((3, 7), (10, 19))
    assert estimates.runSize(tags.volumes, [f"{1:064x}"]) == RunSize(2, 60, 15, 30)


def test_more_work_takes_longer_and_cached_features_take_none():
    small, large = RunSize(1, 30, 10), RunSize(10, 300, 100)
    assert estimates.expectedSeconds(small) < estimates.expectedSeconds(large)
    cached = RunSize(10, 300, 100, 300)
    assert estimates.expectedStages(cached)["embed"] == 0
    assert estimates.expectedSeconds(RunSize(40, 1544, 900, 1544)) == pytest.approx(238, rel=0.35), "as in the README"


def test_what_a_run_took_here_counts_for_the_next_one():
    size = RunSize(1, 100, 10)
    assert not estimates.isMeasured("cuda:0")
    assert "guess" in estimates.expectedTimeInWords(size, "cuda:0")
    estimates.learn(size, "cuda:0", {"embed": 2.0, "unknown": 5.0, "masks": 0.0})
    assert estimates.expectedStages(size, "cuda:1")["embed"] == pytest.approx(2.0)
    assert "on this computer" in estimates.expectedTimeInWords(size, "cuda")
    slicer.app.userSettings().setValue("WeakMedSAM/secondsByStage/cuda", "spoilt {")
    assert not estimates.isMeasured("cuda")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(2, "a few seconds"), (33, "about 30 seconds"), (58, "about a minute"), (245, "about 4 minutes"),
     (1320, "about 20 minutes"), (3650, "about 1 h"), (8000, "about 2 h 10 min")],
)  # fmt: skip
def test_time_is_said_as_a_person_would(seconds, words):
    assert estimates.timeInWords(seconds) == words


def test_the_word_on_quality_is_honest():
    assert "0.75" in estimates.expectedQuality(cohort((3, 7)))
    assert "Few slices show tumour: 2." in estimates.expectedQuality(cohort((3, 4)))
    assert "Few slices are tagged as not showing tumour: 3." in estimates.expectedQuality(cohort((0, 26)))
    many = estimates.expectedQuality(cohort(*[(3, 7)] * 12))
    assert "12 tagged volumes" in many
    assert "Few" not in many
    assert "look by a person" in many
    assert "nothing to learn from" in estimates.expectedQuality(CohortTags(ClassTable.from_names(["tumour"])))


# Progress


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_time_left_follows_what_is_measured_and_progress_never_goes_back():
    clock = Clock()
    size = RunSize(4, 100, 40)
    expected = estimates.expectedStages(size)
    progress = RunProgress(expected, clock)
    fractions, lefts = [], []
    for stage in estimates.STAGES:
        progress.begin(stage)
        for step in range(10):
            clock.now += 3 * expected[stage] / 10
            progress.step(stage.partition("-")[0] if "segm" in stage else stage, step + 1, 10, None)
            fractions.append(progress.info().fraction)
            lefts.append(progress.info().secondsLeft)
        progress.finish(stage)
    assert fractions == sorted(fractions)
    # A computer three times slower than expected: known when half of the first heavy stage is over.
    for place in (25, 30, 60):
        elapsed = 3 * sum(
            expected[stage] * min(1, max(0, (place + 1) / 10 - n)) for n, stage in enumerate(estimates.STAGES)
        )
        assert lefts[place] == pytest.approx(3 * sum(expected.values()) - elapsed, rel=0.25), place
    assert lefts[-1] < 5


def test_reused_stages_and_stages_of_another_version_do_no_harm():
    progress = RunProgress(estimates.expectedStages(RunSize(1, 30, 10)), Clock())
    progress.begin("embed")
    progress.reuse("classifier")
    progress.step("classifier", 1, 0, float("nan"))
    progress.begin("dreaming")
    progress.step("segmenter", 3, 4, 1.0)
    info = progress.info()
    assert (info.stage, info.text, info.total) == ("dreaming", "dreaming", len(estimates.STAGES) + 1)
    assert info.secondsLeft > 0
    assert len({stageInWords(stage) for stage in estimates.STAGES}) == len(estimates.STAGES)
    assert (estimates.PREPARE, estimates.START, *fake_worker.STAGES) == estimates.STAGES


def test_lines_are_bounded_and_never_raise():
    reader = LineReader(limit=10)
    assert reader.feed(b"ab") == []
    assert reader.feed(b"c\r\nd\n") == ["abc", "d"]
    assert reader.feed(b"x" * 50) == []
    assert reader.feed(b"y\nok\n\xff\n") == [TOO_LONG, "ok", "�"]
    assert reader.feed(b"rest") == []
    assert reader.end() == ["rest"]
    assert reader.end() == []


# What is missing


@pytest.fixture
def without(host, monkeypatch):
    """Pretend that packages are not installed: a set of names."""
    gone = host.packaging.missing
    gone.clear()
    real = importlib.metadata.version

    def version(name):
        if name in gone:
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    yield gone
    gone.clear()


def test_nothing_is_missing_here(without):
    assert dependencies.missing() == []


def test_what_is_missing_is_named_torch_first(without):
    without.update(["monai", "torch"])
    assert dependencies.missing() == ["torch", "monai"]
    assert "Extensions Manager" in dependencies.torchExtensionProblem()


def test_requirements_never_name_what_slicer_ships():
    listed = {requirement.name.lower() for requirement in dependencies._listed()}
    assert not listed & {name.lower() for name in dependencies.SHIPPED}
    assert not listed & {"torch", "torchvision"}
    text = Path(__file__).parents[3].joinpath("pyproject.toml").read_text(encoding="utf-8")
    assert all(f'"{line}"' in text for line in map(str, dependencies._listed())), "the bounds of pyproject.toml"


def test_constraints_keep_what_slicer_ships_even_without_a_version(without):
    without.add("vtk")
    lines = dependencies.constraints(("torch",)).splitlines()
    assert f"numpy=={importlib.metadata.version('numpy')}" in lines
    assert f"torch=={importlib.metadata.version('torch')}" in lines
    assert "vtk<0" in lines


class Pip:
    """In place of slicer.packaging: remembers what it is asked for, and ends when told."""

    def __init__(self, monkeypatch):
        self.calls, self.done, self.busy = [], None, False
        packaging = dependencies.packagingModule()
        monkeypatch.setattr(packaging, "isPipInstallInProgress", lambda: self.busy, raising=False)
        monkeypatch.setattr(packaging, "pip_install", self.pip_install)
        monkeypatch.setattr(slicer.util, "executePythonModule", self.module, raising=False)

    def pip_install(self, arguments, constraints, blocking, show_progress, requester, logCallback, completedCallback):
        assert not blocking
        self._take(arguments, Path(constraints).read_text(encoding="utf-8"), logCallback, completedCallback)

    def module(self, module, arguments, blocking, logCallback, completedCallback):
        assert not blocking
        text = Path(arguments[arguments.index("-c") + 1]).read_text(encoding="utf-8")
        self._take([module, *arguments], text, logCallback, completedCallback)

    def _take(self, arguments, constraints, log, done):
        self.calls.append((arguments, constraints))
        self.log, self.done = log, done


@pytest.fixture
def pip(monkeypatch):
    return Pip(monkeypatch)


@pytest.fixture
def work():
    made = Installer()
    made.problems = []
    made.ended.connect(made.problems.append)
    return made


def test_torch_comes_as_the_pytorch_extension_brings_it_and_the_rest_does_not_replace_it(
    pip, work, without, monkeypatch
):
    without.update(["torch", "torchvision", "monai"])
    monkeypatch.setitem(sys.modules, "PyTorchUtils", SimpleNamespace(__spec__=object()))
    work.install()
    assert work.isRunning
    arguments, constraints = pip.calls[0]
    assert arguments == ["light-the-torch>=0.5"]
    assert "numpy==" in constraints
    assert "pip==" not in constraints, "no version of it works with the pip that Slicer 5.12 ships"
    pip.done(0)
    arguments, constraints = pip.calls[1]
    assert arguments[:4] == ["light_the_torch", "install", "torch>=2.3", "torchvision>=0.18"]
    assert "pip==" in constraints
    without.difference_update(["torch", "torchvision"])
    pip.done(0)
    arguments, constraints = pip.calls[2]
    assert arguments == ["monai>=1.3"]
    assert "torch==" in constraints
    assert "numpy==" in constraints
    without.clear()
    pip.done(0)
    assert work.problems == [None]
    assert not work.isRunning


@pytest.mark.parametrize(("meanwhile", "words"), [("busy", "Another installation"), ("undone", "not there")])
def test_after_torch_came_outside_slicers_lock_it_is_looked_again(pip, work, without, monkeypatch, meanwhile, words):
    without.update(["torch", "torchvision", "monai"])
    monkeypatch.setitem(sys.modules, "PyTorchUtils", SimpleNamespace(__spec__=object()))
    work.install()
    pip.done(0)
    if meanwhile == "busy":
        without.difference_update(["torch", "torchvision"])
        pip.busy = True
    pip.done(0)
    assert len(pip.calls) == 2, "the rest is not installed beside it"
    assert work.problems[0].code == "install_failed"
    assert words in work.logText
    assert not work.isRunning


def test_a_closed_network_is_told_with_the_offline_way(pip, work, without):
    without.add("monai")
    work.install()
    pip.log("WARNING: Failed to establish a new connection: [Errno -2] Name or service not known")
    pip.done(1)
    assert work.problems[0].code == "no_network"
    assert "from a folder" in work.problems[0].hint


def test_wheels_of_a_folder_are_installed_without_network(pip, work, without, tmp_path):
    without.update(["torch", "monai"])
    with pytest.raises(UserError, match="no wheels"):
        work.install(tmp_path)
    (tmp_path / "monai-1.6.1-py3-none-any.whl").write_bytes(b"")
    work.install(tmp_path)
    arguments = pip.calls[0][0]
    assert arguments == ["--no-index", "--find-links", str(tmp_path), "torch>=2.3", "monai>=1.3"]
    pip.done(2)
    assert work.problems[0].code == "install_failed"
    assert "torch, monai" in work.problems[0].message


def test_nothing_is_installed_beside_another_installation(pip, work, without):
    without.add("monai")
    pip.busy = True
    with pytest.raises(UserError, match="already"):
        work.install()
    assert pip.calls == []


def test_without_the_pytorch_extension_it_says_where_to_get_it(pip, work, without):
    without.add("torch")
    with pytest.raises(UserError) as caught:
        work.install()
    assert caught.value.code == "no_pytorch_extension"
    assert not work.isRunning


# Where it lies


def run_in(parent, number, extra=()):
    session = TagSession()
    node, sha256 = volumeNode(f"scan {number}", number)
    session.ensureVolume("scan", sha256, "k", 6)
    run = runToEnd(writeRunSteps(parent, [(node, sha256)], session, RunSettings(), f"{number:012x}"))
    slicer.mrmlScene.RemoveNode(node)
    for name in extra:
        (run.path / name).write_text("mine", encoding="utf-8")
    return run


def test_places_are_chosen_and_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    usual = places.runsFolder()
    assert usual.is_absolute()
    assert places.cacheFolder() == pytest.importorskip("WeakMedSAMLib.engine.cache").FeatureCache().root
    places.setRunsFolder(tmp_path / "Meine Läufe")
    assert places.runsFolder() == tmp_path / "Meine Läufe"
    places.setRunsFolder("")
    assert places.runsFolder() == usual


def test_runs_are_listed_counted_and_deleted_but_nothing_else(tmp_path):
    runs = [run_in(tmp_path, number) for number in (1, 2)]
    other = tmp_path / "run-notours"
    other.mkdir()
    (other / "run.json").write_text("{}", encoding="utf-8")
    assert {found.folder for found in places.runsOnDisk(tmp_path)} == {run.path for run in runs}
    total = runToEnd(places.runSizeSteps(tmp_path))
    freed = runToEnd(places.deleteRunSteps(runs[0].path))
    assert 0 < freed < total
    assert not runs[0].path.exists()
    assert runToEnd(places.runSizeSteps(tmp_path)) == total - freed
    with pytest.raises(UserError) as caught:
        runToEnd(places.deleteRunSteps(other))
    assert caught.value.code == "not_a_run"
    assert other.exists()


def test_files_of_the_user_in_a_run_folder_and_behind_links_stay(tmp_path):
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "scan.nrrd").write_text("x", encoding="utf-8")
    run = run_in(tmp_path / "runs", 3, extra=["notes.txt"])
    (run.path / "results").symlink_to(treasure, target_is_directory=True)
    runToEnd(places.deleteRunSteps(run.path))
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
    runToEnd(places.deleteRunSteps(run.path))
    assert not run.path.exists()


def test_the_cache_is_cleared_but_for_what_a_run_uses_now(tmp_path):
    engine_cache = pytest.importorskip("WeakMedSAMLib.engine.cache")
    levels = {"image": ((2, 4, 4), "|u1")}
    keys = ["a" * 64, "b" * 64]
    with engine_cache.FeatureCache(tmp_path) as cache:
        for key in keys:
            with cache.writer(key, levels) as arrays:
                arrays["image"][:] = 1
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with engine_cache.FeatureCache(tmp_path) as cache:
        assert cache.entry(keys[0]) is not None
        assert runToEnd(places.cacheSizeSteps(tmp_path)) > 0
        runToEnd(places.clearCacheSteps(tmp_path))
        assert (tmp_path / keys[0]).is_dir()
        assert not (tmp_path / keys[1]).exists()
    runToEnd(places.clearCacheSteps(tmp_path))
    assert not (tmp_path / keys[0]).exists()
    assert (tmp_path / "mine.txt").exists()


def test_sizes_in_words():
    assert [places.sizeInWords(count) for count in (5_000, 45_000_000, 2_340_000_000)] == ["5 kB", "45 MB", "2.3 GB"]


def test_stored_rates_are_plain_json():
    estimates.learn(RunSize(1, 10, 5), "mps", {"masks": 1.0})
    assert json.loads(str(slicer.app.userSettings().value("WeakMedSAM/secondsByStage/mps"))) == {"masks": 0.1}
