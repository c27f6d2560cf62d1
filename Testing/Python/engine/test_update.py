"""Corrections that teach: by a run folder, at the command line, by the resident worker."""

from __future__ import annotations

import json
import queue
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME, TinyBackbone
from safetensors.numpy import load_file

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Done, Hello, Progress, Stage, Warning_, parse_line
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.painted import KIND
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.resident import (
    Bye,
    Failed,
    Ready,
    Told,
    Update,
    Updated,
)
from WeakMedSAMLib.contract.resident_lines import encode_request
from WeakMedSAMLib.contract.results import LABELS
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings, load_run, save_run
from WeakMedSAMLib.contract.stages import HANDING, MASKS, UPDATE, stages_of
from WeakMedSAMLib.engine.base.reporting import RunReport
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.cli.options import EVERYTHING, MaskReading
from WeakMedSAMLib.engine.cli.update import _read_labels
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.volumes import open_scan, open_stored, read_labels, write_volume
from WeakMedSAMLib.engine.methods.published.method import METHOD as PUBLISHED
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.resident import ResidentOptions, serve
from WeakMedSAMLib.engine.runs.worker import Cancelled, run_folder

QUICK = {"update_steps": 3}
STEPS = ("--steps", 3)
SQUARE = np.zeros((40, 36), np.uint8)
SQUARE[4:10, 20:26] = 1  # where no ball is


def called(*words):
    return CliRunner().invoke(cli, [*map(str, words)])


@pytest.fixture
def corrected(finished, tmp_path):
    """The label file of a run with a square drawn as the ball on slice 3 of the first scan."""
    labels = read_label_file(finished.places.tags)
    KIND.put(labels.volumes[0], "ball", 3, "drawn", SQUARE)
    write_label_file(tmp_path / "corrected.json", labels)
    return tmp_path / "corrected.json"


@pytest.fixture
def update(finished, corrected, tmp_path):
    """update(words): the run folder that `weakmedsam update` made, and what it said."""

    def update(*words, run=finished.places.path, files=(corrected,)):
        files = [word for file in files for word in ("--tags", file)]
        out = tmp_path / "updated"
        with one_thread():
            ended = called("update", run, *files, "--out", out, "--cache", finished.cache, *STEPS, *words)
        assert ended.exit_code == 0, ended.output
        return RunFolder(max(out.glob("run-*"), key=lambda path: path.stat().st_mtime_ns)), ended.stdout

    return update


def labels_of(places, number="000"):
    return read_labels(places.results(number) / LABELS)[0]


def network_of(places):
    tensors = load_file(places.model / "model.safetensors")
    return {name: values for name, values in tensors.items() if name.startswith("segmenter.")}


def is_same(one, other):
    return all(np.array_equal(values, other[name]) for name, values in one.items())


def files_of(folder: Path):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_what_is_drawn_stays_and_the_network_learns_it_while_the_run_keeps_all_it_has(finished, update):
    before = files_of(finished.places.path)
    places, said = update()
    assert np.array_equal(labels_of(places)[3] == 1, SQUARE == 1)
    assert not is_same(network_of(finished.places), network_of(places))
    assert files_of(finished.places.path) == before
    assert [line.split(":")[0] for line in said.splitlines()[-2:]] == ["scan 0", "scan 1"]
    run = load_run(places.path)
    assert (run.settings.update, run.settings.train) == (True, False)
    assert Path(run.settings.model) == finished.places.model.resolve()
    stages = [json.loads(line) for line in places.events.read_text("utf-8").splitlines()]
    started = [one["stage"] for one in stages if one.get("state") == "started"]
    assert (
        tuple(started)
        == stages_of(run.settings.preset, train=False, update=True)
        == (
            "embed",
            HANDING,
            UPDATE,
            MASKS,
        )
    )


def test_what_is_drawn_is_handed_on_to_the_slices_around(finished, update, monkeypatch):
    # Nothing lies there, so that it shrinks on its way.
    monkeypatch.setattr("WeakMedSAMLib.engine.parts.handing_ways._LEAST_LEFT", 0.0)
    places, _ = update("--steps", "0")
    assert is_same(network_of(finished.places), network_of(places))
    was, now = labels_of(finished.places), labels_of(places)
    inside = SQUARE == 1
    # The network of so few steps drew on most of the slice, the square among it.
    shares = [(labels[4] == 1)[inside].sum() / (labels[4] == 1).sum() for labels in (was, now)]
    assert shares[1] > 3 * shares[0]
    assert (now[4] == 1)[inside].mean() > 0.6
    assert not (now[[0, 6]] == 1).any()  # tagged absent


def test_an_update_of_an_update_goes_on_from_the_generated_model(finished, update):
    first, _ = update()
    second, _ = update("--volume", "scan 0", run=first.path)
    assert load_run(second.path).settings.model == load_run(first.path).settings.model
    assert [volume.name for volume in load_run(second.path).volumes] == ["scan 0"]


def test_scribbles_alone_teach_too(finished, update, tmp_path):
    labels = read_label_file(finished.places.tags)
    known = np.full(SQUARE.shape, 255, np.uint8)
    known[SQUARE == 1] = 1
    known[30:34, 10:14] = 0
    KIND.put(labels.volumes[1], "rod", 4, "scribbled", known)
    write_label_file(tmp_path / "scribbled.json", labels)
    places, _ = update(files=[tmp_path / "scribbled.json"])
    now = labels_of(places, "001")[4]
    assert (now[SQUARE == 1] == 2).all()
    assert not (now[30:34, 10:14] == 2).any()
    assert not is_same(network_of(finished.places), network_of(places))


def test_without_corrections_the_model_stays_and_that_is_said(finished, update):
    places, _ = update(files=[finished.places.tags])
    assert is_same(network_of(finished.places), network_of(places))
    assert '"no_corrections"' in places.events.read_text("utf-8")


def test_one_pixel_teaches_nothing_and_spoils_nothing(finished, update, tmp_path):
    """It is less than half a pixel of the network: a loss over no pixel at all would make every weight NaN."""
    labels = read_label_file(finished.places.tags)
    known = np.full(SQUARE.shape, 255, np.uint8)
    known[5, 5] = 0
    KIND.put(labels.volumes[0], "ball", 3, "scribbled", known)
    write_label_file(tmp_path / "one.json", labels)
    places, _ = update("--volume", "scan 0", files=[tmp_path / "one.json"])
    assert all(np.isfinite(values).all() for values in network_of(places).values())


def test_the_published_method_is_refused_before_anything_is_copied(finished, corrected, tmp_path):
    run = load_run(finished.places.path)
    save_run(finished.places.path, replace(run, settings=replace(run.settings, preset="paper")))
    ended = called("update", finished.places.path, "--tags", corrected, "--out", tmp_path / "no")
    assert "published" in str(ended.exception)
    assert not (tmp_path / "no").exists()


# Labels of the files meet the scans that the run was made from, and count as its copies are held.


@pytest.fixture
def made(tmp_path):
    """made(direction of k, voxel that is no number): a run folder of one left- or right-handed scan, and the scan."""

    def made(direction=-1.0, is_spoiled=False):
        array = np.random.default_rng(0).normal(100, 20, (7, 40, 36)).astype(np.float32)
        array[0, 0, 0] = np.nan if is_spoiled else 100
        geometry = Geometry((0.0, 0, 0), (1.0, 1, 4), (1.0, 0, 0, 0, 1, 0, 0, 0, direction), (36, 40, 7))
        write_volume(tmp_path / "one.nrrd", array, geometry)
        tags = VolumeLabels("one", None, "k", 7, "file", (36, 40, 7))
        tags.tag_range("ball", 1, 3)
        cohort = CohortLabels(ClassTable.from_names(["ball"]), [tags])
        return make_run(tmp_path / "out", [tmp_path / "one.nrrd"], cohort, RunSettings(backbone=NAME)), cohort

    return made


def test_slices_of_a_left_handed_scan_are_those_that_segment_takes(made, tmp_path):
    places, cohort = made()
    drawn = replace(cohort.volumes[0])
    KIND.put(drawn, "ball", 1, "drawn", SQUARE)
    write_label_file(tmp_path / "drawn.json", CohortLabels(cohort.classes, [drawn]))
    labels, _ = _read_labels(places, load_run(places.path), [tmp_path / "drawn.json"], None, EVERYTHING)
    (volume,) = labels.volumes
    assert list(KIND.slices(volume, "ball")) == [5]
    copy = places.volume(load_run(places.path).volumes[0])
    again = make_run(tmp_path / "again", [copy], labels, RunSettings(), names=["one"])
    assert list(KIND.slices(read_label_file(again.tags).volumes[0], "ball")) == [5]


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_what_is_drawn_in_a_label_map_goes_by_the_classes_of_the_run(made, tmp_path, direction):
    places, _cohort = made(direction)
    drawn = np.zeros((7, 40, 36), np.uint8)
    drawn[1] = SQUARE
    write_volume(tmp_path / "drawn.nrrd", drawn, open_stored(tmp_path / "one.nrrd").geometry)
    reading = MaskReading(slices="shown")
    labels, (told,) = _read_labels(places, load_run(places.path), [tmp_path / "drawn.nrrd"], None, reading)
    on = 1 if direction > 0 else 5
    copy = places.volume(load_run(places.path).volumes[0])
    again = make_run(tmp_path / "again", [copy], labels, RunSettings(), names=["one"])
    found = KIND.slices(read_label_file(again.tags).volumes[0], "ball")
    assert {index: one.pixels.tolist() for index, one in found.items()} == {on: drawn[1].tolist()}
    assert (told.code, f"'ball' is drawn on {on}." in told.message) == ("read_as_painted", True)


def test_a_hash_of_a_scan_with_voxels_that_are_no_numbers_is_known(made, tmp_path):
    places, cohort = made(1.0, True)
    scan = open_scan(tmp_path / "one.nrrd")
    drawn = replace(cohort.volumes[0], sha256=scan.sha256)
    KIND.put(drawn, "ball", 1, "drawn", SQUARE)
    write_label_file(tmp_path / "drawn.json", CohortLabels(cohort.classes, [drawn]))
    labels, _ = _read_labels(places, load_run(places.path), [tmp_path / "drawn.json"], None, EVERYTHING)
    copy = places.volume(load_run(places.path).volumes[0])
    again = make_run(tmp_path / "again", [copy], labels, RunSettings(), names=["one"])
    assert list(KIND.slices(read_label_file(again.tags).volumes[0], "ball")) == [1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--volume", "other"), "no volume 'other'"),
        (("--steps", "-1"), "--steps"),
    ],
)
def test_what_does_not_fit_is_refused(finished, corrected, words, said):
    ended = called("update", finished.places.path, "--tags", corrected, *words)
    assert ended.exit_code
    assert said in ended.output + str(ended.exception)


def test_the_published_method_says_that_it_cannot(finished):
    with pytest.raises(UserError, match="published") as caught:
        PUBLISHED.update([], PUBLISHED.presets["paper"], None, None)
    assert (caught.value.code, bool(caught.value.hint)) == ("no_update", True)


def test_an_update_is_none_that_trains():
    with pytest.raises(UserError, match="update"):
        RunSettings(update=True)
    with pytest.raises(UserError):
        RunSettings(update=True, train=False)


# By the resident worker


def asked_of(finished, *requests, cache=None):
    lines, told = queue.Queue(), []
    for one in (*map(encode_request, requests), None):
        lines.put(one)
    options = ResidentOptions(finished.places.path, device="cpu", backbone=NAME, cache_root=finished.cache)
    backbone = TinyBackbone()
    with one_thread():
        serve(lines, told.append, options, lambda _name: backbone)
    return told


@pytest.fixture
def prepared(finished, corrected):
    """The run folder of an update that has not begun."""
    places = finished.places
    model = shutil.copytree(places.model, places.path.parent / "model")
    before = load_run(places.path).settings
    overrides = {**before.overrides, **QUICK}
    settings = replace(before, train=False, update=True, model=str(model), overrides=overrides)
    save_run(places.path, replace(load_run(places.path), settings=settings))
    labels = read_label_file(corrected)
    write_label_file(places.tags, CohortLabels(labels.classes, labels.volumes))
    return places


def test_the_resident_worker_updates_by_the_network_that_it_holds(finished, prepared):
    was = labels_of(prepared)
    told = asked_of(finished, Update(7, str(prepared.path)))
    assert [type(one) for one in told if not isinstance(one, Told)] == [Ready, Updated, Bye]
    assert {one.id for one in told if isinstance(one, Told | Updated)} == {7}
    events = [parse_line(one.line) for one in told if isinstance(one, Told)]
    assert {one.stage for one in events if isinstance(one, Progress)} >= {HANDING, UPDATE, MASKS}
    assert [type(events[0]), type(events[-1])] == [Hello, Done]
    now = labels_of(prepared)
    assert np.array_equal(now[3] == 1, SQUARE == 1)
    assert not np.array_equal(now, was)


def test_it_gives_what_the_worker_gives(finished, prepared, tmp_path):
    asked_of(finished, Update(7, str(prepared.path)))
    held = labels_of(prepared)
    with one_thread():
        run_folder(prepared.path, cache_root=finished.cache)
    assert np.array_equal(labels_of(prepared), held)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda places: save_run(places.path, _with(places, update=False)), "bad_request"),
        (lambda places: save_run(places.path, _with(places, backbone="sam")), "bad_request"),
        (lambda places: save_run(places.path, _with(places, model=str(places.path / "no"))), "no_model"),
        (lambda places: places.run.unlink(), "file_missing"),
    ],
)
def test_what_it_cannot_run_is_an_error_and_it_goes_on(finished, prepared, spoil, code):
    spoil(prepared)
    told = asked_of(finished, Update(7, str(prepared.path)), Update(8, str(prepared.path)))
    failed = [one for one in told if isinstance(one, Failed)]
    assert [(one.id, one.code) for one in failed] == [(7, code), (8, code)]
    assert all(one.hint for one in failed)


def _with(places, **changes):
    run = load_run(places.path)
    return replace(run, settings=replace(run.settings, **changes))


def test_its_cancel_file_ends_it_and_leaves_the_results_that_were_there(finished, prepared, monkeypatch):
    was = labels_of(prepared)
    monkeypatch.setattr(
        "WeakMedSAMLib.engine.methods.fast.update.masks_given", lambda *_: prepared.cancel.touch() or []
    )
    told = asked_of(finished, Update(7, str(prepared.path)))
    assert [one.code for one in told if isinstance(one, Failed)] == ["cancelled"]
    assert np.array_equal(labels_of(prepared), was)


@pytest.fixture
def all_told(monkeypatch):
    """Progress is told however closely it follows, and cancelling is looked for each time."""
    monkeypatch.setattr(RunReport.__init__, "__defaults__", (None, 0.0))


def test_progress_is_told_all_the_way_of_each_stage(finished, prepared, all_told):
    events = []
    with one_thread():
        run_folder(prepared.path, report=events.append, cache_root=finished.cache)
    for stage in (HANDING, UPDATE, MASKS):
        steps = [(one.done, one.total) for one in events if isinstance(one, Progress) and one.stage == stage]
        done, totals = zip(*steps, strict=True)
        assert list(done) == sorted(done)
        assert len(set(totals)) == 1
        assert done[-1] == totals[-1]
        assert len(set(done)) >= 3, stage


@pytest.mark.parametrize("stage", [HANDING, UPDATE, MASKS])
def test_it_is_cancelled_within_each_stage(finished, prepared, all_told, stage):
    was, seen = labels_of(prepared, "001"), []

    def listen(event):
        if isinstance(event, Progress) and event.stage == stage:
            seen.append(event)
            prepared.cancel.touch()

    with one_thread(), pytest.raises(Cancelled):
        run_folder(prepared.path, report=listen, cache_root=finished.cache)
    assert len(seen) == 1
    assert seen[0].done < seen[0].total
    assert np.array_equal(labels_of(prepared, "001"), was)  # the first volume may have been done


def test_events_of_a_run_say_the_stage(finished, prepared):
    events = []
    with one_thread():
        run_folder(prepared.path, report=events.append, cache_root=finished.cache)
    assert [one.stage for one in events if isinstance(one, Stage) and one.state == "finished"][-2:] == [UPDATE, MASKS]
    assert not [one for one in events if isinstance(one, Warning_) and one.code == "no_corrections"]
