"""The resident worker: errors, the order of answers, and when it ends."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from faults.resident_bench import BALL, ball, dice

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.resident import (
    Bye,
    Close,
    Closed,
    Failed,
    Mask,
    Open,
    Opened,
    Ping,
    Pong,
    Predict,
    Ready,
    Superseded,
)
from WeakMedSAMLib.contract.resident_lines import encode_request
from WeakMedSAMLib.engine.data.volumes import open_stored, write_volume
from WeakMedSAMLib.engine.runs import resident
from WeakMedSAMLib.engine.runs.process_watch import ParentWatch
from WeakMedSAMLib.engine.runs.resident import ResidentOptions, read_lines, serve

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="ends processes as Linux and macOS do")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Predict(2, "b", 3, (BALL,)), "volume_not_open"),
        (Predict(2, "a", 7, (BALL,)), "slice_out_of_range"),
        (Predict(2, "a", -1, (BALL,)), "slice_out_of_range"),
        (Predict(2, "a", 3), "no_prompts"),
        (Predict(2, "a", 3, points=((3, 4, False),)), "no_prompts"),
        (Predict(2, "a", 3, (((0, 40), (0, 9)),)), "prompt_outside"),
        (Predict(2, "a", 3, (((9, 3), (0, 9)),)), "prompt_outside"),
        (Predict(2, "a", 3, points=((3, 36, True),)), "prompt_outside"),
        (Open(2, "b", "b.nrrd", "0" * 64), "volume_not_found"),
        (Open(2, "b", "a.nrrd", "0" * 64), "volume_differs"),
        (Open(2, "b", "../a.nrrd", "0" * 64), "bad_request"),
        (Open(2, "b", "a.pkl", "0" * 64), "bad_request"),
        (Open(2, "b", "a.nrrd", "0" * 64, "x"), "bad_request"),
        (Open(2, "b", "a.nrrd", "0" * 64, "k", (5.0, 1.0)), "bad_intensity"),
        ('{"ask":"predict","version":1,"id":2,"slice":3}', "bad_request"),
    ],
)
def test_what_cannot_be_answered_is_an_error_and_it_goes_on(serve_all, opening, asked, code, scan):
    if code == "bad_intensity":
        asked = replace(asked, sha256=scan.sha256)
    told = serve_all(opening, asked, Ping(3))
    assert {type(one) for one in told} == {Ready, Opened, Failed, Pong, Bye}
    (failed,) = (one for one in told if isinstance(one, Failed))
    assert (failed.id, failed.code) == (2, code)
    assert failed.message
    assert failed.hint


def test_lines_that_are_no_requests_are_errors_and_it_goes_on(serve_all):
    _ready, *failed, pong, _bye = serve_all("nonsense", "{}", "[" * 10_000, "\ufffd", Ping(3))
    assert {(one.code, one.id) for one in failed} == {("bad_request", None)}
    assert pong.memory_mb > 1


def test_what_nobody_foresaw_is_an_error_and_it_goes_on(serve_all, opening, backbone, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("of a slice")

    monkeypatch.setattr(backbone, "embed", fail)
    *_, failed, pong, _bye = serve_all(opening, Predict(2, "a", 3, (BALL,)), Ping(3))
    assert (failed.id, failed.code, failed.values) == (
        2,
        "resident_failed",
        {"reason": "ZeroDivisionError: of a slice"},
    )
    assert isinstance(pong, Pong)


def test_memory_that_runs_out_is_said(serve_all, opening, backbone, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(backbone, "embed", fail)
    *_, failed, _bye = serve_all(opening, Predict(2, "a", 3, (BALL,)))
    assert failed.code == "out_of_memory"


def test_of_questions_that_wait_the_newest_is_answered(serve_all, opening, backbone):
    asked = [Predict(number, "a", number, (BALL,)) for number in (2, 3, 4, 5)]
    _ready, *rest, _bye = serve_all(opening, *asked[:2], Ping(9), *asked[2:])
    assert [one.id for one in rest if isinstance(one, Superseded)] == [2, 3, 4]
    assert [one.id for one in rest if isinstance(one, Mask)] == [5]
    assert [type(one) for one in rest if one.id == 9] == [Pong], "other requests are not left out"
    assert backbone.encoded == 1


def test_a_question_that_is_worked_on_gives_way_and_its_slice_is_kept(folder, tmp_path, backbone, opening, monkeypatch):
    lines, told, embed = queue.Queue(), [], backbone.embed

    def slow(slices):
        if backbone.encoded == 0:
            lines.put(encode_request(Predict(3, "a", 3, (BALL,))))
            lines.put(encode_request(Ping(4)))
        return embed(slices)

    monkeypatch.setattr(backbone, "embed", slow)
    for one in (opening, Predict(2, "a", 3, (BALL,))):
        lines.put(encode_request(one))

    def tell(answer):
        told.append(answer)
        if isinstance(answer, Pong):
            lines.put(None)

    serve(lines, tell, ResidentOptions(folder, cache_root=tmp_path / "cache"), lambda _name: backbone)
    assert [type(one) for one in told] == [Ready, Opened, Superseded, Mask, Pong, Bye]
    assert (told[2].id, told[3].id, told[3].encoded, backbone.encoded) == (2, 3, False, 1)


def test_it_ends_when_nobody_asks(serve_all):
    begun = time.monotonic()
    told = serve_all(end=encode_request(Ping(1)), idle_s=0.2)
    assert told[-1] == Bye("idle")
    assert 0.15 < time.monotonic() - begun < 10


def test_it_ends_when_it_is_told_to_close_all(serve_all, opening):
    told = serve_all(opening, Close(2), Ping(3), end=encode_request(Ping(4)))
    assert [type(one) for one in told] == [Ready, Opened, Closed, Bye]
    assert told[-1] == Bye("closed")


def test_a_closed_volume_is_forgotten(serve_all, opening):
    *_, closed, failed, _bye = serve_all(opening, Close(2, "a"), Predict(3, "a", 3, (BALL,)))
    assert (closed, failed.code) == (Closed(2), "volume_not_open")


def test_another_volume_of_a_name_takes_its_place(serve_all, opening, folder, scan, backbone):
    array = np.array(scan.array)[:, ::-1].copy()
    write_volume(folder / "b.nrrd", array, scan.geometry)
    other = Open(3, "a", "b.nrrd", open_stored(folder / "b.nrrd").sha256)
    *_, mask, _bye = serve_all(opening, other, Predict(4, "a", 3, (((21, 30), (7, 16)),)))
    assert dice(mask.array(), ball()[::-1]) > 0.85


def test_the_folder_goes_only_where_it_was_made_for_it(serve_all, opening, folder):
    serve_all(opening)
    assert (folder / "a.nrrd").is_file()
    serve_all(opening, removes=True)
    assert not folder.exists()


def test_why_it_cannot_begin_is_told_and_the_folder_goes(folder, tmp_path):
    def build(name):
        raise UserError("weights_missing", "No weights.", "Get them.", {"name": name, "file": "a.pth"})

    told = []
    with pytest.raises(UserError):
        serve(queue.Queue(), told.append, ResidentOptions(folder, True, cache_root=tmp_path / "cache"), build)
    assert [(one.code, one.id) for one in told] == [("weights_missing", None)]
    assert not folder.exists()


def test_lines_are_cut_however_they_come_and_long_ones_are_refused(monkeypatch):
    monkeypatch.setattr(resident, "MAX_LINE_CHARACTERS", 20)
    reading, writing = os.pipe()
    lines = read_lines(reading)
    for piece in (b"one\ntw", b"o\n", b"x" * 100, b"y\n", b"\xff\xfe\nunfinished"):
        os.write(writing, piece)
        time.sleep(0.01)
    os.close(writing)
    found = [lines.get(timeout=5) for _ in range(5)]
    os.close(reading)
    assert found == ["one", "two", "x" * 21, "\ufffd\ufffd", None]


def test_an_input_whose_program_is_gone_counts_as_closed_and_the_process_ends_in_seconds(monkeypatch):
    reading, writing = os.pipe()
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    # Not this process, which is that of all tests.
    ended = queue.Queue()
    monkeypatch.setattr(resident, "ParentWatch", partial(ParentWatch, end=ended.put))
    monkeypatch.setattr(resident, "_GRACE_S", 0.05)
    assert read_lines(reading, child.pid).get(timeout=5) is None
    assert ended.get(timeout=5) == 3
    os.close(writing)
