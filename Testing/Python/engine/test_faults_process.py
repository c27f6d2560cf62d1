"""Faults that end a real worker, or that come from its disk: killed, told to end, orphaned, full, read-only, shared.

Each test goes on with one run folder from fault to fault, each fault further on than the one before, and at last
without one: the result must be that of the run that nothing disturbed. See docs/RELIABILITY.md.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
from faults.tiny_run import STAGES, different, make_scans, make_tiny_run, outputs
from faults.worker import Workers

from WeakMedSAMLib.contract.events import parse_line
from WeakMedSAMLib.contract.runs import RunFolder

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked, to load PyTorch once only"),
    pytest.mark.soak,
]

# Progress of the projection comes after its output is kept.
MOMENTS = {**dict.fromkeys(STAGES, ("started", "inside", "finished")), "projection": ("started", "finished", "inside")}
USER_ERROR, CANCELLED = 2, 3
SPARE = 16 << 10
DISK = "size=100m"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A run folder with the results of an earlier run and edited tags, and what its next run makes undisturbed."""
    folder = tmp_path_factory.mktemp("faults")
    with Workers(folder / "workers.log") as workers:
        scans = make_scans(folder)
        places = make_tiny_run(folder / "out", scans, shift=1, objects=True)
        assert workers.run(places.path, folder / "cache") == 0, workers.said()
        earlier = files_of(places)
        make_tiny_run(folder / "out", scans, objects=True)
        shutil.rmtree(places.state)
        plain = RunFolder(shutil.copytree(places.path, folder / "undisturbed"))
        assert workers.run(plain.path, folder / "cache") == 0, workers.said()
        made = SimpleNamespace(
            workers=workers, source=places, earlier=earlier, later=files_of(plain), undisturbed=outputs(plain)
        )
        assert different(outputs(places), made.undisturbed), "the edit of the tags changes nothing"
        yield made


@pytest.fixture
def run(bench, tmp_path):
    """A copy of that run folder, and an empty cache."""
    return Disturbed(bench, RunFolder(shutil.copytree(bench.source.path, tmp_path / "run")), tmp_path / "cache")


def files_of(places):
    """Relative name -> bytes of what must not get lost: the tags, the volumes, and each result."""
    kept = [places.tags, places.run, *places.volumes.iterdir(), *places.path.glob("results/*/*")]
    return {path.relative_to(places.path).as_posix(): path.read_bytes() for path in kept}


class Disturbed:
    """A run folder that workers are disturbed in."""

    def __init__(self, bench, places, cache):
        self.places, self.cache, self._bench = places, cache, bench

    def worker(self, fault=None, parent=None):
        """Exit code of a worker with a fault; nothing must be lost, and its events must be readable."""
        code = self._bench.workers.run(self.places.path, self.cache, fault, parent)
        self._check_nothing_is_lost(str(fault))
        return code

    def _check_nothing_is_lost(self, fault):
        found, earlier, later = files_of(self.places), self._bench.earlier, self._bench.later
        for name in earlier.keys() | later.keys():
            assert name in found, f"{name} is gone after {fault}"
            assert found[name] in (earlier.get(name), later.get(name)), f"{name} is damaged after {fault}"

    def check_results_are_of_one_run(self, fault):
        """The files of a result belong together: all of the earlier run, or all of the later one."""
        found = files_of(self.places)
        for volume in ("000", "001"):
            names = [name for name in found if name.startswith(f"results/{volume}/") and not name.endswith(".png")]
            assert any(all(found[n] == of[n] for n in names) for of in (self._bench.earlier, self._bench.later)), fault

    def check_goes_on_to_the_same_end(self, torn=0):
        """Without a fault the run ends as the undisturbed one; nothing half-written stays but so many event lines."""
        assert self.worker() == 0, self.said()
        assert different(outputs(self.places), self._bench.undisturbed) == []
        left = [path for folder in (self.places.path, self.cache) for path in folder.rglob("*") if half_written(path)]
        assert left == []
        unreadable = [line for line in self.places.events.read_bytes().splitlines() if parse_line(line) is None]
        assert len([line for line in unreadable if line]) <= torn, unreadable

    def error(self):
        """The last error that was told, as plain data."""
        lines = [line for line in self.said().splitlines() if line.startswith('{"event":"error"')]
        return json.loads(lines[-1])

    def said(self):
        return self._bench.workers.said()


def half_written(path):
    return path.name.startswith((".tmp-", "writing-", ".writable"))


def test_killed_at_every_boundary_of_stages_and_inside_each(run):
    for stage in STAGES:
        for moment in MOMENTS[stage]:
            fault = {"kind": "stage", "stage": stage, "moment": moment, "action": "SIGKILL"}
            assert run.worker(fault) == -signal.SIGKILL, f"{fault}\n{run.said()}"
    run.check_goes_on_to_the_same_end()


def test_told_to_end_at_every_boundary_of_stages_and_inside_each(run):
    for stage in STAGES:
        for moment in ("started", "inside"):
            fault = {"kind": "stage", "stage": stage, "moment": moment, "action": "SIGTERM"}
            assert run.worker(fault) == CANCELLED, f"{fault}\n{run.said()}"
            last = parse_line(run.places.events.read_text(encoding="ascii").splitlines()[-1])
            assert (last.status, "SIGTERM" in last.message) == ("cancelled", True)
    run.check_goes_on_to_the_same_end()


def test_the_program_that_started_it_dies_at_every_boundary_of_stages_and_inside_each(run):
    for stage in STAGES:
        for moment in ("started", "inside"):
            parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            try:
                fault = {"kind": "stage", "stage": stage, "moment": moment, "action": "parent"}
                assert run.worker(fault, parent.pid) == CANCELLED, f"{fault}\n{run.said()}"
            finally:
                parent.kill()
                parent.communicate()
            last = parse_line(run.places.events.read_text(encoding="ascii").splitlines()[-1])
            assert (last.status, "gone" in last.message) == ("cancelled", True)
    run.check_goes_on_to_the_same_end()


@pytest.fixture(scope="module")
def writes(bench, tmp_path_factory):
    """Every write of a run in order, by name: see `faults.worker.WriteHook`."""
    folder = tmp_path_factory.mktemp("writes")
    shutil.copytree(bench.source.path, folder / "run")
    names = folder / "names.txt"
    assert bench.workers.run(folder / "run", folder / "cache", {"kind": "list", "to": str(names)}) == 0
    return names.read_text(encoding="utf-8").splitlines()


def first_of_each_kind(names, kind):
    """The first write of each kind, in order."""
    found = {}
    for name in names:
        found.setdefault(kind(name), name)
    return [name for sort, name in found.items() if sort]


def kind_of_error(name):
    """Names that differ in a number, in the array of a state or in the stage of a picture are of one kind."""
    sort = re.sub(r"\d+", "#", name.rsplit(" ", 1)[0])
    sort = re.sub(r"previews/[\w-]+\.png", "previews/*.png", sort)
    if sort.startswith("run/state/"):
        what = sort.split("/", 3)[-1]
        return re.sub(r"[\w.-]+\.npy", "*.npy", sort) if "rename" in sort or "npy" in sort else what
    return sort


def kind_of_rename(name):
    return kind_of_error(name) if " rename " in name else None


def test_killed_right_before_every_rename(run, writes):
    names = first_of_each_kind(writes, kind_of_rename)
    assert {"run/model/model.json rename 1", "run/results/000/labels.nrrd rename 1"} <= set(names)
    assert any(name.startswith("cache/") for name in names)
    for name in names:
        assert run.worker({"kind": "kill", "at": name}) == -signal.SIGKILL, f"{name}\n{run.said()}"
    run.check_goes_on_to_the_same_end()


def test_every_write_fails_once_with_a_full_a_read_only_a_closed_and_a_broken_disk(run, writes):
    numbers = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO)
    names = first_of_each_kind(writes, kind_of_error)
    assert len(names) > 40
    for number, name in enumerate(names):
        fault = {"kind": "error", "at": name, "errno": numbers[number % len(numbers)]}
        assert run.worker(fault) == USER_ERROR, f"{fault}\n{run.said()}"
        error = run.error()
        assert error["code"] in ("disk_full", "cannot_write"), fault
        assert os.strerror(fault["errno"]) in error["message"], fault
        assert str(run.cache if name.startswith("cache") else run.places.path) in error["message"], fault
        assert error["hint"], fault
        if not re.search(r"results/.* rename", name):
            run.check_results_are_of_one_run(fault)
        assert not list(run.places.path.rglob(".tmp-*")), fault
    run.check_goes_on_to_the_same_end()


@pytest.fixture
def small_disk(bench, tmp_path):
    """A disk of its own of 100 MB with that run folder on it; root only."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(disk)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("needs root on Linux to mount a small disk")
    try:
        places = RunFolder(shutil.copytree(bench.source.path, disk / "run"))
        yield SimpleNamespace(disk=disk, run=Disturbed(bench, places, disk / "cache"))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_a_disk_that_is_really_full_in_every_stage(small_disk):
    run, disk = small_disk.run, small_disk.disk
    for stage in STAGES:
        for spare in (0, SPARE):
            fault = {"kind": "stage", "stage": stage, "moment": "started", "action": "fill", "folder": str(disk)}
            assert run.worker({**fault, "spare": spare}) == USER_ERROR, f"{stage}\n{run.said()}"
            error = run.error()
            assert error["code"] in ("disk_full", "cannot_write")
            assert str(disk) in error["message"]
            assert "space" in error["message"] + error["hint"]
            run.check_results_are_of_one_run(stage)
            (disk / "balloon").unlink()
    run.check_goes_on_to_the_same_end(torn=2 * len(STAGES))  # the line that did not fit, each time


def test_a_disk_that_is_really_read_only(small_disk):
    run, disk = small_disk.run, small_disk.disk
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    try:
        assert run.worker() == USER_ERROR
        assert run.error()["code"] == "cannot_write"
        assert "Read-only" in run.error()["message"]
    finally:
        subprocess.run(["mount", "-o", f"remount,rw,{DISK}", str(disk)], check=True)
    run.check_goes_on_to_the_same_end()


def test_two_runs_that_encode_the_same_scans_into_one_cache_at_once(bench, tmp_path):
    runs = [
        Disturbed(bench, RunFolder(shutil.copytree(bench.source.path, tmp_path / name)), tmp_path / "cache")
        for name in ("one", "other")
    ]
    (tmp_path / "meeting").mkdir()
    fault = {
        "kind": "stage",
        "stage": "embed",
        "moment": "inside",
        "action": "meet",
        "folder": str(tmp_path / "meeting"),
    }
    workers = [
        bench.workers.start(run.places.path, run.cache, {**fault, "name": str(number), "others": 1})
        for number, run in enumerate(runs)
    ]
    assert [bench.workers.wait(pid) for pid in workers] == [0, 0], bench.workers.said()
    assert len(list((tmp_path / "meeting").iterdir())) == 2
    for run in runs:
        run.check_goes_on_to_the_same_end()


def test_a_run_is_killed_while_another_encodes_the_same_scans_into_the_same_cache(bench, tmp_path):
    one, other = (
        Disturbed(bench, RunFolder(shutil.copytree(bench.source.path, tmp_path / name)), tmp_path / "cache")
        for name in ("one", "other")
    )
    (tmp_path / "meeting").mkdir()
    fault = {"kind": "stage", "stage": "embed", "moment": "inside"}
    meet = {**fault, "action": "meet", "folder": str(tmp_path / "meeting"), "name": "one", "others": 1}
    survivor = bench.workers.start(one.places.path, one.cache, meet)
    assert other.worker({**fault, "action": "SIGKILL"}) == -signal.SIGKILL
    (tmp_path / "meeting" / "here-other").touch()
    assert bench.workers.wait(survivor) == 0, bench.workers.said()
    for run in (one, other):
        run.check_goes_on_to_the_same_end()
