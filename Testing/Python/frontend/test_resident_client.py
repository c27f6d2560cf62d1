"""Questions about single slices, to real processes that answer well, badly and not at all."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK
import slicer

from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.running import resident_volumes, resident_worker, worker_command
from WeakMedSAMLib.frontend.running.resident_client import ResidentClient
from WeakMedSAMLib.frontend.running.resident_worker import idleSeconds
from WeakMedSAMLib.frontend.running.worker_command import Command, residentCommand
from WeakMedSAMLib.frontend.scene.scene_volumes import arrayOf, knownIdentity

FAKE = Path(__file__).with_name("answering_worker.py")
SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
BOX = ((2, 5), (3, 9))
SHAPE = (12, 32, 40)  # k, j, i

pytestmark = pytest.mark.usefixtures("own_places")


@pytest.fixture
def log(tmp_path):
    return tmp_path / "requests.txt"


@pytest.fixture
def client(monkeypatch, log, scene):
    """A client whose worker behaves as `client.behaviour` says; `client.got` has what was answered."""

    def command(folder, *arguments):
        real = residentCommand(folder, *arguments)
        words = real.arguments[real.arguments.index("resident") :]
        return Command(sys.executable, (str(FAKE), made.behaviour, str(log), *words), {"PYTHONUTF8": "1"})

    monkeypatch.setattr(resident_worker, "residentCommand", command)
    made = ResidentClient(lambda: "cpu")
    made.behaviour, made.got = "good", []
    yield made
    made.cleanup()


@pytest.fixture
def ask(client, wait_until):
    """ask(volume, ...): the mask and the error that come back."""

    def ask(volume, axis="k", index=3, boxes=(BOX,), points=()):
        client.ask(volume, axis, index, boxes, points, lambda mask, error: client.got.append((mask, error)))
        wait_until(lambda: client.got)
        return client.got.pop()

    return ask


def said(log, kind="open"):
    """Requests of a kind that workers got."""
    lines = log.read_text("ascii").splitlines() if log.exists() else []
    return [one for one in map(json.loads, (line for line in lines if line[0] == "{")) if one["ask"] == kind]


def started(log):
    """How workers were started: the words of each command."""
    lines = log.read_text("ascii").splitlines() if log.exists() else []
    return [line.split() for line in lines if line[0] != "{"]


def expected(shape=SHAPE[1:], box=BOX):
    mask = np.zeros(shape, bool)
    (top, bottom), (left, right) = box
    mask[top : bottom + 1, left : right + 1] = True
    return mask


def test_a_box_is_answered_by_a_worker_that_stays(client, ask, make_volume, log):
    assert not started(log), "nothing is started before somebody asks"
    volume = make_volume()
    mask, error = ask(volume)
    assert error is None
    assert (mask.dtype, mask.tolist()) == (bool, expected().tolist())
    assert not client.isAsked
    mask, error = ask(volume, index=7, boxes=(), points=[(np.int64(4), 6, True)])
    assert (error, np.argwhere(mask).tolist()) == (None, [[4, 6]])
    assert len(started(log)) == len(said(log)) == 1, "one process, and one copy of the volume"
    assert [one["slice"] for one in said(log, "predict")] == [3, 7]
    words = started(log)[0]
    assert words[words.index("--parent") + 1] == str(os.getpid())
    assert words[words.index("--device") + 1] == "cpu"
    assert "--remove" in words


def test_the_copy_is_private_and_has_the_voxels_of_its_hash(client, ask, make_volume, log):
    volume = make_volume("Ann Example")
    ask(volume)
    folder, request = Path(started(log)[0][1]), said(log)[0]
    assert request["sha256"] == knownIdentity(volume)
    assert [path.name for path in folder.iterdir()] == [request["file"]]
    assert b"Ann" not in (folder / request["file"]).read_bytes()
    if os.name == "posix":
        assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("axis", "shape"), [("j", (12, 40)), ("i", (12, 32))])
def test_another_axis_of_a_volume_needs_no_other_copy(ask, make_volume, log, axis, shape):
    volume = make_volume()
    ask(volume)
    mask, error = ask(volume, axis, 0)
    assert (error, mask.tolist()) == (None, expected(shape).tolist())
    first, second = said(log)
    assert first["file"] == second["file"]
    assert first["volume"] != second["volume"]


def test_voxels_that_changed_are_copied_anew(ask, make_volume, log):
    volume = make_volume()
    ask(volume)
    arrayOf(volume)[0, 0, 0] += 1
    volume.GetImageData().Modified()
    ask(volume)
    volume.SetSpacing(1, 1, 7)
    ask(volume)
    requests = said(log)
    assert len({one["file"] for one in requests}) == 3
    assert len({one["sha256"] for one in requests}) == 2, "another spacing is another place, of the same voxels"


def test_of_several_questions_the_newest_is_answered(client, make_volume, wait_until):
    client.behaviour = "slow"
    volume = make_volume()
    for index in range(4):
        client.ask(volume, "k", index, [BOX], [], lambda *_, index=index: client.got.append(index))
        wait = time.monotonic() + 0.05
        wait_until(lambda wait=wait: time.monotonic() > wait)
    assert client.isAsked
    wait_until(lambda: client.got)
    time.sleep(0.3)
    slicer.app.processEvents()
    assert client.got == [3]


def test_a_question_about_another_volume_takes_its_place(client, make_volume, wait_until, log):
    one, other = make_volume("one"), make_volume("other", shape=(4, 16, 20))
    client.ask(one, "k", 0, [BOX], [], lambda *_: client.got.append("one"))
    client.ask(other, "k", 0, [BOX], [], lambda mask, _error: client.got.append(mask.shape))
    wait_until(lambda: client.got)
    assert client.got == [(16, 20)]


def test_an_answer_to_an_older_question_is_not_taken_for_that_to_the_newest(client, make_volume, wait_until, log):
    """It comes while the volume of the newest is still being copied."""
    client.behaviour = "slow"
    one, other = make_volume("one"), make_volume("other", shape=(4, 200, 220))
    client.ask(one, "k", 0, [BOX], [], lambda *_: client.got.append("one"))
    wait_until(lambda: said(log, "predict"))
    copySteps, until = client._worker.volumes.copySteps, time.monotonic() + 0.6

    def slowly(node):
        while time.monotonic() < until:
            yield None
        return (yield from copySteps(node))

    client._worker.volumes.copySteps = slowly
    client.ask(other, "k", 0, [BOX], [], lambda mask, _error: client.got.append(mask.shape))
    wait_until(lambda: client.got)
    assert client.got == [(200, 220)]


def test_a_volume_is_made_ready_before_the_first_question(client, ask, make_volume, wait_until, log):
    volume = make_volume()
    client.prepare(volume, "k")
    assert not client.isAsked
    wait_until(lambda: said(log))
    ask(volume)
    assert (len(started(log)), len(said(log)), len(said(log, "predict"))) == (1, 1, 1)


def test_a_worker_that_crashed_is_started_once_more(client, ask, make_volume, wait_until, log):
    client.behaviour = "crash_once"
    mask, error = ask(make_volume())
    assert error is None
    assert mask.any()
    first, second = started(log)
    wait_until(lambda: not Path(first[1]).exists())
    assert Path(second[1]).is_dir()


def test_one_that_crashes_again_is_told_of_and_the_next_question_tries_anew(client, ask, make_volume, log):
    client.behaviour = "crash"
    volume = make_volume()
    mask, error = ask(volume)
    assert (mask, error.code, len(started(log))) == (None, "resident_ended", 2)
    assert "its last words" in errorInWords(error)
    client.behaviour = "good"
    assert ask(volume)[0].any()


def test_why_it_cannot_begin_is_said_at_once(client, ask, make_volume, log):
    client.behaviour = "fault"
    mask, error = ask(make_volume())
    assert (mask, error.code, len(started(log))) == (None, "weights_missing", 1)
    assert error.values["file"] == "a.pth"


def test_a_program_that_is_not_there_is_said(client, ask, make_volume, monkeypatch):
    monkeypatch.setattr(resident_worker, "residentCommand", lambda *_: Command("/no/such/program", ()))
    mask, error = ask(make_volume())
    assert (mask, error.code) == (None, "resident_ended")


@pytest.mark.parametrize(
    ("behaviour", "code"), [("refuses", "no_prompts"), ("nonsense", "bad_answer"), ("unfilled", "bad_answer")]
)
def test_answers_that_are_none_are_errors_and_it_goes_on(client, ask, make_volume, log, behaviour, code):
    client.behaviour = behaviour
    volume = make_volume()
    for _ in range(2):
        mask, error = ask(volume)
        assert (mask, error.code) == (None, code)
    assert len(started(log)) == 1


def test_a_copy_that_is_not_what_it_should_be_is_written_anew(client, ask, make_volume, log):
    client.behaviour = "differs"
    mask, error = ask(make_volume())
    assert error is None
    assert mask.any()
    first, second = said(log)
    assert first["file"] != second["file"]
    assert len(started(log)) == 1


def test_one_that_stays_mute_is_ended(client, ask, make_volume, monkeypatch):
    client._timer.setInterval(300)
    client.behaviour = "mute"
    process = client._factory
    ended = []
    client._factory = lambda: _watched(process(), ended)
    mask, error = ask(make_volume())
    assert (mask, error.code, ended) == (None, "resident_ended", ["killed"])


def _watched(process, ended):
    kill = process.kill
    process.kill = lambda: (ended.append("killed"), kill())
    return process


def test_one_that_ended_since_nobody_asked_is_started_anew(client, ask, make_volume, wait_until, log):
    client.behaviour = "tired"
    volume = make_volume()
    assert ask(volume)[0].any()
    wait_until(lambda: client._worker is None and not Path(started(log)[0][1]).exists())
    assert ask(volume)[0].any()
    assert len(started(log)) == 2


@pytest.mark.parametrize("moment", ["asked", "copied"])
def test_a_question_that_comes_as_it_ends_is_for_the_next_one(client, ask, make_volume, log, moment):
    client.behaviour = "ending"
    volume = make_volume()
    ask(volume)
    if moment == "copied":
        # The worker has removed its folder, and has not yet said so.
        client._worker.process.lineRead.clear()
        shutil.rmtree(client._worker.volumes.folder)
        volume = make_volume("other")
    client.behaviour = "good"
    mask, error = ask(volume, index=1)
    assert error is None
    assert mask.any()
    assert len(started(log)) == 2


def test_another_device_or_cache_is_another_worker(client, ask, make_volume, log, tmp_path):
    volume = make_volume()
    ask(volume)
    client._device = lambda: "cuda:0"
    assert ask(volume)[0].any()
    folders.setCacheFolder(tmp_path / "other")
    assert ask(volume)[0].any()
    words = started(log)
    assert [line[line.index("--device") + 1] for line in words] == ["cpu", "cuda:0", "cuda:0"]
    assert [Path(line[line.index("--cache") + 1]).name for line in words] == ["cache", "cache", "other"]


def test_a_volume_that_cannot_be_used_is_refused(client, ask, make_volume, log):
    volume = make_volume(array=np.zeros(SHAPE, np.int16))
    mask, error = ask(volume)
    assert (mask, error.code) == (None, "unusable_volume")
    assert not said(log)


def test_a_full_disk_is_said_in_words(client, ask, make_volume, monkeypatch):
    monkeypatch.setattr(resident_volumes.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    mask, error = ask(make_volume())
    assert (mask, error.code) == (None, "disk_full")
    assert error.values["free_bytes"] == 1000


def test_only_the_last_volumes_are_kept(ask, make_volume, wait_until, log):
    volumes = [make_volume(f"volume {number}", shape=(2, 8, 12)) for number in range(6)]
    for volume in volumes:
        assert ask(volume, index=0)[1] is None
    folder = Path(started(log)[0][1])
    wait_until(lambda: len(list(folder.iterdir())) == 4)
    assert [one["volume"] for one in said(log, "close")] == ["000k", "001k"]
    assert ask(volumes[0], index=0)[0].any()


def test_nothing_is_answered_once_the_scene_is_closed(client, make_volume, scene, wait_until, log):
    from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic

    logic = WeakMedSAMLogic()
    logic.resident.cleanup()
    logic.resident = client
    logic._scene.closing.connect(client.forget)
    client.behaviour = "slow"
    client.ask(make_volume(), "k", 0, [BOX], [], lambda *_: client.got.append("late"))
    wait_until(lambda: said(log, "predict"))
    scene.Clear()
    assert not client.isAsked
    folder = Path(started(log)[0][1])
    wait_until(lambda: said(log, "close") and not list(folder.iterdir()))
    assert client.got == []
    logic.cleanup()
    assert client._worker is None


def test_the_logic_lets_go_of_its_worker_with_the_scene_and_at_its_end(scene, monkeypatch):
    from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic

    done = []
    monkeypatch.setattr(ResidentClient, "forget", lambda self: done.append("forget"))
    monkeypatch.setattr(ResidentClient, "cleanup", lambda self: done.append("cleanup"))
    logic = WeakMedSAMLogic()
    scene.Clear()
    assert done == ["forget"]
    logic.cleanup()
    assert done == ["forget", "cleanup"]


def test_nothing_is_answered_about_a_volume_that_is_gone(client, ask, make_volume, scene, wait_until, log):
    client.behaviour = "slow"
    volume = make_volume()
    client.ask(volume, "k", 0, [BOX], [], lambda *_: client.got.append("late"))
    wait_until(lambda: said(log, "predict"))
    scene.RemoveNode(volume)
    wait_until(lambda: not client.isAsked)
    assert client.got == []
    assert ask(make_volume())[1] is None


def test_cleanup_ends_the_process_and_leaves_nothing(client, ask, make_volume, wait_until, log):
    volume = make_volume()
    ask(volume)
    pid, folder = int(client._worker.process._process.processId()), Path(started(log)[0][1])
    client.cleanup()
    wait_until(lambda: not folder.exists())
    if os.name == "posix":
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    client.ask(volume, "k", 0, [BOX], [], lambda *_: client.got.append("late"))
    client.prepare(volume, "k")
    assert client._worker is None
    client.cleanup()


def test_cleanup_while_a_volume_is_copied_leaves_nothing(client, make_volume, wait_until):
    client.ask(make_volume(shape=(40, 128, 128)), "k", 0, [BOX], [], lambda *_: client.got.append("late"))
    folder = client._worker.volumes.folder
    assert folder.is_dir()
    client.cleanup()
    wait_until(lambda: not folder.exists())
    assert client.got == []


def test_asking_returns_at_once_however_large_the_volume(client, make_volume, wait_until, allowance):
    volume = make_volume(shape=(160, 256, 256))
    begun = time.perf_counter()
    client.ask(volume, "k", 0, [BOX], [], lambda mask, error: client.got.append((mask, error)))
    took = (time.perf_counter() - begun) * 1000
    wait_until(lambda: client.got, 30)
    print(f"to ask took {took:.1f} ms")
    assert client.got[0][1] is None
    assert took < 50 * allowance


def test_how_long_it_stays_is_a_setting():
    settings = slicer.app.userSettings()
    assert idleSeconds() == 600
    for chosen, seconds in (("90", 90), ("soon", 600), ("-5", 600), ("inf", 600), ("nan", 600)):
        settings.setValue("WeakMedSAM/ResidentIdleSeconds", chosen)
        assert idleSeconds() == seconds
    settings.setValue("WeakMedSAM/ResidentIdleSeconds", "90")
    words = residentCommand(Path("folder"), "cpu", None, idleSeconds()).arguments
    assert words[words.index("--idle") + 1] == "90"


def test_the_real_worker_answers_through_the_window(make_volume, wait_until, monkeypatch):
    """The whole way on a network of a few fixed filters, which keeps what is bright in a box."""
    code = (
        "from WeakMedSAMLib.engine.backbones.registry import register\n"
        "from WeakMedSAMLib.studies.filter_backbone import FilterBackbone\n"
        "register('filters')(lambda *_: FilterBackbone())\n"
        "from WeakMedSAMLib.engine.cli.main import main\n"
        "import sys; main([*sys.argv[1:], '--backbone', 'filters'])"
    )
    real = worker_command.residentCommand

    def command(*arguments):
        found = real(*arguments)
        words = found.arguments[found.arguments.index("resident") :]
        return replace(found, program=sys.executable, arguments=("-c", code, *words))

    monkeypatch.setattr(resident_worker, "residentCommand", command)
    k, j, i = np.mgrid[:6, :48, :48]
    ball = ((j - 20) ** 2 + (i - 30) ** 2 < 64) & (k == 4)
    array = (100 + 20 * np.random.default_rng(0).normal(size=k.shape) + 800 * ball).astype(np.int16)
    volume = make_volume(array=array)
    client, got = ResidentClient(lambda: "cpu"), []
    client.ask(volume, "k", 4, [((12, 28), (22, 38))], [], lambda *answer: got.append(answer))
    wait_until(lambda: got, 60)
    mask, error = got[0]
    folder = client._worker.volumes.folder
    client.cleanup()
    assert error is None
    common = np.count_nonzero(mask & ball[4])
    assert 2 * common / (np.count_nonzero(mask) + np.count_nonzero(ball[4])) > 0.85
    wait_until(lambda: not folder.exists())
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.soak
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared scans are not here")
def test_how_long_a_reader_waits_for_the_real_network(make_volume, wait_until, request, allowance):
    """From the click to the mask, in a CT of 514 x 514 pixels: cold, on another slice, and once more on that one."""
    image = SimpleITK.ReadImage(str(min((SHARED / "sabs_btcv_ct").glob("*_image.nii.gz"))))
    volume = make_volume(array=SimpleITK.GetArrayFromImage(image).repeat(2, 1).repeat(2, 2))
    client, took, waits = ResidentClient(lambda: "cpu"), {}, []
    request.addfinalizer(client.cleanup)

    def ask(what, index):
        got, begun = [], time.perf_counter()
        client.ask(volume, "k", index, [((200, 300), (150, 260))], [], lambda *answer: got.append(answer))
        waits.append(time.perf_counter() - begun)
        while not got and time.perf_counter() - begun < 120:
            before = time.perf_counter()
            slicer.app.processEvents()
            waits.append(time.perf_counter() - before)
            time.sleep(0.002)
        took[what] = time.perf_counter() - begun
        assert got[0][1] is None

    for what, index in (("cold", 60), ("another slice", 61), ("the same slice", 61)):
        ask(what, index)
    print(*(f"{what}: {seconds:.2f} s;" for what, seconds in took.items()))
    print(f"the window waited {max(waits) * 1000:.0f} ms at most")
    assert took["another slice"] < 3 * allowance
    assert took["the same slice"] < 1 * allowance
    assert max(waits) < 0.05 * allowance
