"""The resident worker: what it answers, in what order, and when it ends."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from faults.tiny_run import NAME, TinyBackbone, make_scans

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
    encode_request,
    parse_answer,
)
from WeakMedSAMLib.engine.backbones import registry
from WeakMedSAMLib.engine.backbones.base import PromptKind
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.volumes import open_stored, write_volume
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.embed import Embedder
from WeakMedSAMLib.engine.features.preprocess import CHEST, Intensity, choose_intensity
from WeakMedSAMLib.engine.features.slices import embed_input
from WeakMedSAMLib.engine.runs import resident
from WeakMedSAMLib.engine.runs.resident import ResidentOptions, read_lines, serve
from WeakMedSAMLib.engine.runs.resident_slices import SliceAnswers

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared" / "data"
BALL = ((9, 18), (7, 16))  # rows and columns of the ball of the first scan, on slices 2 to 4
POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="ends processes as Linux and macOS do")


class CountingBackbone(TinyBackbone):
    """Counts the slices that it encodes."""

    def __init__(self):
        self.encoded = 0

    def embed(self, slices):
        self.encoded += len(slices)
        return super().embed(slices)


@pytest.fixture
def folder(tmp_path):
    """A folder of volumes with the first tiny scan."""
    folder = tmp_path / "volumes é"
    folder.mkdir()
    make_scans(folder)[0].rename(folder / "a.nrrd")
    return folder


@pytest.fixture
def scan(folder):
    return open_stored(folder / "a.nrrd")


@pytest.fixture
def opening(scan):
    return Open(1, "a", "a.nrrd", scan.sha256)


@pytest.fixture
def backbone():
    return CountingBackbone()


@pytest.fixture
def serve_all(folder, tmp_path, backbone):
    """serve_all(request or line, ...): every answer to these, and then to a closed input."""

    def serve_all(*asked, end=None, **options):
        lines, told = queue.Queue(), []
        for one in (*asked, end):
            lines.put(one if one is None or isinstance(one, str) else encode_request(one))
        given = ResidentOptions(folder, cache_root=tmp_path / "cache", device="cpu", backbone=NAME, **options)
        serve(lines, told.append, given, lambda _name: backbone)
        return told

    return serve_all


@pytest.fixture
def answers(folder, tmp_path, backbone, opening):
    """What answers about slices, with the volume open."""
    with FeatureCache(tmp_path / "cache") as cache:
        made = SliceAnswers(backbone, cache, folder)
        made.open(opening)
        yield made


def embed_all(scan, backbone, tmp_path, intensity=None):
    """Put the features of all slices into the cache, as a run does."""
    with FeatureCache(tmp_path / "cache") as cache:
        chosen = intensity or choose_intensity(scan.array)
        volume = embed_input(scan, "k", scan.sha256, chosen, backbone.info.input_size)
        Embedder(backbone, cache).embed(volume, lambda _event: None)
    backbone.encoded = 0


def dice(one, other):
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def ball():
    j, i = np.mgrid[:40, :36]
    return (j - 14) ** 2 + (i - 12) ** 2 < 25


def test_a_volume_is_opened_and_a_box_answered(serve_all, opening, backbone):
    ready, opened, mask, bye = serve_all(opening, Predict(2, "a", 3, (BALL,)))
    assert ready == Ready(NAME, "cpu", ["box"])
    assert opened == Opened(1, "a", 7, 40, 36)
    assert isinstance(mask, Mask)
    assert (mask.id, mask.rows, mask.columns, mask.encoded, backbone.encoded) == (2, 40, 36, True, 1)
    assert dice(mask.array(), ball()) > 0.85
    assert bye == Bye("input_closed")


def test_nothing_is_drawn_far_outside_of_a_box(answers, backbone, monkeypatch):
    def everything(features, boxes, rows=None):
        return torch.ones(len(boxes), 64, 64), torch.full((len(boxes),), 0.5)

    monkeypatch.setattr(backbone, "decode", everything)
    mask = answers.predict(Predict(2, "a", 3, (BALL,))).array()
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 19, 6, 17)


def test_several_boxes_are_one_mask_with_the_lowest_quality(answers, backbone, monkeypatch):
    decode = backbone.decode

    def varied(features, boxes, rows=None):
        logits, quality = decode(features, boxes, rows)
        quality[-1] = 0.25
        return logits, quality

    monkeypatch.setattr(backbone, "decode", varied)
    rod = ((24, 30), (12, 28))
    both = answers.predict(Predict(2, "a", 3, (BALL, rod)))
    one, other = (answers.predict(Predict(2, "a", 3, (box,))).array() for box in (BALL, rod))
    assert np.array_equal(both.array(), one | other)
    assert both.quality == 0.25


ROD = ((25, 29), (13, 27))


@pytest.fixture
def resembled(monkeypatch):
    """What resembles a point is the ball or the rod; collects rows and columns of it and of what is to be avoided."""
    asked = []

    def box_around(features, row, column, avoid=()):
        assert features.shape == (6, 64, 64)
        asked.append([side * 40 for point in [(row, column), *avoid] for side in point])
        (top, bottom), (left, right) = BALL if row < 0.5 else ROD
        return left / 40, top / 40, (right + 1) / 40, (bottom + 1) / 40

    monkeypatch.setattr("WeakMedSAMLib.engine.runs.resident_masks.box_around_point", box_around)
    return asked


def test_a_point_becomes_a_box_around_what_resembles_it(answers, resembled):
    mask = answers.predict(Predict(2, "a", 3, points=((14, 12, True), (27, 20, False)))).array()
    assert dice(mask, ball()) > 0.8
    expected = [14.5, 12.5, 27.5, 20.5], [27.5, 20.5, 14.5, 12.5]
    assert resembled == [pytest.approx(one, abs=0.2) for one in expected], "each avoids those of the other kind"


def test_what_resembles_a_point_hangs_together_with_it_and_resembles_no_other_point_more():
    from WeakMedSAMLib.engine.parts.resemblance import box_around_point

    features = np.zeros((3, 16, 16), np.float32)
    features[0] = 1
    features[1, 2:6, 4:12] = 2  # a bar, whose right half is a little other; and one like it elsewhere
    features[2, 2:6, 8:12] = 1.5
    features[1, 10:14, 4:12] = 2
    bar = box_around_point(features, 4 / 16, 6 / 16)
    assert bar == (4 / 16, 2 / 16, 12 / 16, 6 / 16)
    assert box_around_point(features, 4 / 16, 5 / 16, [(4 / 16, 10 / 16)]) == (4 / 16, 2 / 16, 8 / 16, 6 / 16)
    alone = box_around_point(np.zeros((3, 16, 16), np.float32), 1.0, 1.0)
    assert 0 <= alone[0] < alone[2] <= 1, "a point on the last edge, where all is alike"


def test_points_are_in_the_answer_as_they_are(answers, resembled):
    points = ((14, 12, True), (0, 0, True), (13, 13, False))
    mask = answers.predict(Predict(2, "a", 3, (BALL,), points)).array()
    assert [mask[row, column] for row, column, _shows in points] == [True, True, False]
    assert dice(mask, ball()) > 0.75, "a point elsewhere takes no more than a part of it"


def test_a_point_in_a_box_is_no_question_of_its_own(answers, resembled):
    answers.predict(Predict(2, "a", 3, (BALL,), ((14, 12, True),)))
    assert resembled == []


def test_a_point_elsewhere_takes_out_what_resembles_it(answers, resembled):
    both = ((5, 35), (4, 30))
    whole = answers.predict(Predict(2, "a", 3, (both,))).array()
    less = answers.predict(Predict(3, "a", 3, (both,), ((27, 20, False),))).array()
    rod = np.zeros_like(whole)
    rod[ROD[0][0] : ROD[0][1] + 1, ROD[1][0] : ROD[1][1] + 1] = True
    assert np.count_nonzero(whole & rod) > 50
    assert np.count_nonzero(less & rod) < 0.3 * np.count_nonzero(whole & rod)
    assert np.count_nonzero(less & ball()) > 0.9 * np.count_nonzero(whole & ball())


class PointBackbone(CountingBackbone):
    """Answers points alone: a disc around each."""

    info = replace(TinyBackbone.info, prompts=frozenset({PromptKind.POINT}))

    def decode_points(self, features, points, rows=None):
        y, x = torch.meshgrid(torch.arange(64.0) + 0.5, torch.arange(64.0) + 0.5, indexing="ij")
        distance = [torch.hypot(y - row, x - column) for column, row in points]
        return 8.0 - torch.stack(distance), torch.full((len(points),), 0.7)


def test_points_and_middles_of_boxes_go_to_a_backbone_that_answers_points(folder, tmp_path, opening):
    with FeatureCache(tmp_path / "cache") as cache:
        answers = SliceAnswers(PointBackbone(), cache, folder)
        answers.open(opening)
        point = answers.predict(Predict(2, "a", 3, points=((26, 20, True), (0, 0, False))))
        box = answers.predict(Predict(3, "a", 3, (((22, 30), (17, 23)),)))
    j, i = np.mgrid[:40, :36]
    disc = np.hypot(j - 26, i - 20) < 5
    assert point.quality == pytest.approx(0.7, abs=1e-4)
    assert dice(point.array(), disc) > 0.9
    assert dice(box.array(), disc & (abs(i - 20) <= 4)) > 0.9


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_rows_and_columns_are_those_of_the_volume_whatever_the_axis_and_the_spacing(tmp_path, folder, backbone, axis):
    """A bright block off the middle, in voxels of other length in each direction."""
    array = np.random.default_rng(0).normal(100, 10, (20, 48, 32))
    array[6:14, 8:30, 15:25] += 900
    axes = (0.0, -1.0, 0, 1.0, 0.0, 0, 0, 0, -1.0)
    write_volume(
        folder / "b.nrrd", array.astype(np.int16), Geometry((3.0, 4.0, 5.0), (0.7, 1.3, 2.9), axes, (32, 48, 20))
    )
    spans = {"k": (6, 14), "j": (8, 30), "i": (15, 25)}
    rows, columns = (spans[one] for one in {"k": "ji", "j": "ki", "i": "kj"}[axis])
    with FeatureCache(tmp_path / "cache") as cache:
        answers = SliceAnswers(backbone, cache, folder)
        opened = answers.open(Open(1, "b", "b.nrrd", open_stored(folder / "b.nrrd").sha256, axis))
        box = ((rows[0], rows[1] - 1), (columns[0], columns[1] - 1))
        mask = answers.predict(Predict(2, "b", sum(spans[axis]) // 2, (box,))).array()
    assert mask.shape == (opened.rows, opened.columns)
    expected = np.zeros_like(mask)
    expected[slice(*rows), slice(*columns)] = True
    assert dice(mask, expected) > 0.75


def test_a_slice_is_encoded_once(answers, backbone):
    first = answers.predict(Predict(2, "a", 3, (BALL,)))
    again = answers.predict(Predict(3, "a", 3, (BALL,)))
    assert (first.encoded, again.encoded, backbone.encoded) == (True, False, 1)
    assert first.runs == again.runs


def test_few_slices_are_kept(answers, backbone, monkeypatch):
    monkeypatch.setattr("WeakMedSAMLib.engine.runs.resident_slices._MOST_SLICES", 2)
    for index in (0, 1, 2, 1, 2, 0):
        answers.predict(Predict(2, "a", index, (BALL,)))
    assert backbone.encoded == 4


def test_what_a_run_has_encoded_is_used(serve_all, scan, backbone, tmp_path, opening):
    *_, fresh, _bye = serve_all(opening, Predict(2, "a", 3, (BALL,)))
    embed_all(scan, backbone, tmp_path)
    *_, cached, _bye = serve_all(opening, Predict(2, "a", 3, (BALL,)))
    assert (fresh.encoded, cached.encoded, backbone.encoded) == (True, False, 0)
    assert dice(fresh.array(), cached.array()) > 0.95


def test_what_a_run_encodes_meanwhile_is_used(answers, scan, backbone, tmp_path):
    assert answers.predict(Predict(2, "a", 2, (BALL,))).encoded
    embed_all(scan, backbone, tmp_path)
    assert not answers.predict(Predict(3, "a", 3, (BALL,))).encoded
    assert backbone.encoded == 0


def test_ct_encoded_in_the_window_of_its_cohort_is_used(tmp_path, folder, backbone):
    """A cohort that shows lungs gives all of its CT the wide window."""
    array = np.full((6, 40, 36), -1000, np.int16)
    array[:, 5:35, 5:30] = np.random.default_rng(0).integers(-50, 100, (6, 30, 25))
    write_volume(
        folder / "ct.nrrd", array, Geometry((0.0, 0, 0), (1.0, 1, 5), (1.0, 0, 0, 0, 1, 0, 0, 0, 1), (36, 40, 6))
    )
    scan = open_stored(folder / "ct.nrrd")
    assert choose_intensity(scan.array).kind == "ct_window"
    embed_all(scan, backbone, tmp_path, Intensity("ct_window", *CHEST))
    with FeatureCache(tmp_path / "cache") as cache:
        answers = SliceAnswers(backbone, cache, folder)
        answers.open(Open(1, "ct", "ct.nrrd", scan.sha256))
        assert not answers.predict(Predict(2, "ct", 3, (BALL,))).encoded


def test_the_cache_is_not_written_and_given_back(serve_all, scan, opening, backbone, tmp_path):
    serve_all(opening, Predict(2, "a", 3, (BALL,)))
    with FeatureCache(tmp_path / "cache") as cache:
        assert cache.size() == 0
    embed_all(scan, backbone, tmp_path)
    with FeatureCache(tmp_path / "cache") as cache:
        answers = SliceAnswers(backbone, cache, scan.path.parent)
        answers.open(opening)
        assert cache._use.pinned_by_me()
        answers.close("a")
        assert not cache._use.pinned_by_me()


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


def test_an_input_whose_program_is_gone_counts_as_closed(monkeypatch):
    reading, writing = os.pipe()
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    monkeypatch.setattr(resident, "_GRACE_S", 1000.0)
    assert read_lines(reading, child.pid).get(timeout=5) is None
    os.close(writing)


CODE = f"""
import sys
from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.studies.filter_backbone import FilterBackbone
class Noisy(FilterBackbone):
    def embed(self, slices):
        print('{{"answer":"from a library"}}')
        return super().embed(slices)
register({NAME!r})(lambda *_: Noisy())
from WeakMedSAMLib.engine.cli.main import main
main(["resident", *sys.argv[1:], "--backbone", {NAME!r}, "--device", "cpu"])
"""


@pytest.fixture
def start(folder, tmp_path):
    """start(*options): a process of its own that has said that it is ready."""
    made = []

    def start(*options):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        words = [sys.executable, "-c", CODE, str(folder), "--cache", str(tmp_path / "cache"), *options]
        made.append(
            subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment
            )
        )
        assert isinstance(answer_of(made[-1]), Ready)
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def answer_of(process):
    return parse_answer(process.stdout.readline().rstrip("\n"))


def ask(process, *requests):
    for one in requests:
        process.stdin.write(encode_request(one) + "\n")
    return [answer_of(process) for _ in requests]


def test_a_process_answers_whatever_libraries_print_and_ends_with_its_input(start, opening, folder):
    process = start("--remove")
    opened, mask = ask(process, opening, Predict(2, "a", 3, (BALL,)))
    assert isinstance(opened, Opened)
    assert dice(mask.array(), ball()) > 0.5
    process.stdin.close()
    assert answer_of(process) == Bye("input_closed")
    assert process.wait(timeout=20) == 0
    assert not folder.exists()


def test_a_process_ends_while_it_waits_for_its_input(start):
    """Ending beside a thread that reads is what aborts a process that reads through Python's buffers."""
    process = start("--idle", "0.3")
    assert answer_of(process) == Bye("idle")
    assert process.wait(timeout=20) == 0


@POSIX_ONLY
def test_a_process_ends_when_the_program_that_started_it_is_gone(start, folder):
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    process = start("--remove", "--parent", str(parent.pid))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert answer_of(process) == Bye("input_closed")
    process.wait(timeout=20)
    assert not folder.exists()


def test_the_command_line_says_what_is_wrong(call, tmp_path):
    code, _out, said = call("resident", tmp_path / "nowhere")
    assert code == 2
    assert "nowhere" in said


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared scans are not here")
def test_litemedsam_answers_a_box_in_time(tmp_path):
    """A liver, by the network that the module uses; on two cores it takes 0.5 s, and 0.1 s where features are."""
    from WeakMedSAMLib.engine.data.volumes import read_labels, read_volume

    names = sorted((SHARED / "chaos_t2spir").glob("*_image.nii.gz"))
    image, truth = read_volume(names[0]), read_labels(str(names[0]).replace("_image", "_mask"))[0]
    write_volume(tmp_path / "a.nrrd", image.array, image.geometry)
    liver = truth == 1
    index = int(liver.sum((1, 2)).argmax())
    rows, columns = (np.flatnonzero(liver[index].any(axis)) for axis in (1, 0))
    box = ((int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1])))
    with FeatureCache(tmp_path / "cache") as cache:
        answers = SliceAnswers(registry.build_backbone("litemedsam"), cache, tmp_path)
        answers.open(Open(1, "a", "a.nrrd", open_stored(tmp_path / "a.nrrd").sha256))
        answers.predict(Predict(2, "a", 0, (box,)))
        fresh = answers.predict(Predict(3, "a", index, (box,)))
        again = answers.predict(Predict(4, "a", index, (box,)))
    print(f"a slice that was to be encoded took {fresh.seconds:.2f} s, one that was {again.seconds:.2f} s")
    assert dice(fresh.array(), liver[index]) > 0.9
    assert (fresh.encoded, again.encoded) == (True, False)
    assert fresh.seconds < 3 * 3
    assert again.seconds < 3 * 1
