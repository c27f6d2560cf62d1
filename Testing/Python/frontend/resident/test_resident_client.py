"""Questions about single slices, and their answers."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
import slicer
from flows.resident_log import BOX, expected, said, started

from WeakMedSAMLib.frontend.running import resident_worker, worker_command
from WeakMedSAMLib.frontend.running.resident_client import ResidentClient
from WeakMedSAMLib.frontend.running.resident_worker import idleSeconds
from WeakMedSAMLib.frontend.running.worker_command import residentCommand
from WeakMedSAMLib.frontend.scene.scene_volumes import arrayOf, knownIdentity

SHARED = Path(__file__).resolve().parents[4].parent / "shared" / "data"

pytestmark = pytest.mark.usefixtures("own_places")


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
