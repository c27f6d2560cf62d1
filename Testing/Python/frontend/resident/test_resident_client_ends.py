"""Questions about single slices to processes that answer badly or not at all, and their end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from flows.resident_log import BOX, SHAPE, said, started

from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.running import resident_volumes, resident_worker
from WeakMedSAMLib.frontend.running.resident_client import ResidentClient
from WeakMedSAMLib.frontend.running.worker_command import Command

pytestmark = pytest.mark.usefixtures("own_places")


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
