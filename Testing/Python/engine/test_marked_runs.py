"""Whole runs with boxes, points and what is known of classes: alone, mixed, and beside volumes without any."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME, QUICK, make_scans

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Stage
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.results import LABELS
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.data.volumes import read_labels
from WeakMedSAMLib.engine.methods.fast import masks, self_training
from WeakMedSAMLib.engine.parts import handing_on
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder

TABLE = ClassTable.from_names(["ball", "rod"])
BALL = Box("ball", (8, 10, 3), (16, 18, 3), complete=True)
ROD = Box("rod", (13, 25, 4), (27, 29, 4), complete=True)


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    return make_scans(tmp_path_factory.mktemp("scans"))


def labels(number=0, boxes=(), points=(), tagged=True):
    volume = VolumeLabels(f"scan {number}", n_slices=7, size=(36, 40, 7))
    if tagged:
        for name, slices in (("ball", ((2, 4), (1, 4))), ("rod", ((3, 5), (4, 5)))):
            volume.tag_range(name, *slices[number])
    BOXES.put(volume, boxes)
    POINTS.put(volume, points)
    return volume


def run(scans, out, volumes, classes=TABLE, **overrides):
    """Label maps of a run by number of the scan, what each stage did, and the warnings."""
    settings = RunSettings(device="cpu", backbone=NAME, overrides={**QUICK, **overrides})
    places = make_run(out / "run", scans, CohortLabels(classes, volumes), settings)
    events = []
    with one_thread():
        run_folder(places.path, report=events.append, cache_root=out.parent / "cache")
    found = [read_labels(folder / LABELS)[0] for folder in sorted(places.path.glob("results/*"))]
    return found, {one.stage: one.state for one in events if isinstance(one, Stage)}, places


def shown(array, value):
    return np.flatnonzero((array == value).any((1, 2))).tolist()


@pytest.mark.parametrize(
    "volumes",
    [
        pytest.param([labels(boxes=[BALL, ROD]), labels(1)], id="boxes in one of two"),
        pytest.param([labels(points=[Point("ball", (12, 14, 3)), Point("rod", (20, 27, 4))]), labels(1)], id="points"),
        pytest.param([labels(boxes=[BALL], points=[Point("rod", (20, 27, 4))])], id="mixed, and an untouched volume"),
        pytest.param([labels(boxes=[BALL, ROD], tagged=False)], id="boxes alone"),
    ],
)
def test_marks_of_any_kind_give_masks_of_all_volumes(scans, tmp_path, volumes):
    found, stages, _ = run(scans, tmp_path, volumes)
    assert stages["handing-on"] == "finished"
    assert len(found) == 2
    assert {1, 2} <= set(np.unique(found[0]))
    for column, name in enumerate(TABLE.names):
        present = np.flatnonzero(volumes[0].presence(name) == 1).tolist()
        assert set(present) <= set(shown(found[0], column + 1)), name


@pytest.mark.parametrize(
    ("setting", "given", "called"),
    [
        (None, {2, 3, 4, 5}, {"give_anew", "hand_on_surest"}),
        ("handing_on", {3, 4}, set()),
        ("handing_anew", {2, 3, 4, 5}, {"hand_on_surest"}),
        ("surest_slice", {2, 3, 4, 5}, {"give_anew"}),
    ],
)
def test_each_way_of_handing_on_is_a_setting(scans, tmp_path, monkeypatch, setting, given, called):
    done = set()
    for module, name in itertools.product((masks, self_training), ("give_anew", "hand_on_surest")):
        monkeypatch.setattr(module, name, partial(noted, done, getattr(module, name)))
    volumes = [labels(boxes=[BALL, ROD]), labels(1)]
    _, _, places = run(scans, tmp_path, volumes, **({setting: False} if setting else {}))
    assert done == called
    (kept,) = places.state.glob("handing-on-000/*/indices.npy")
    assert set(np.load(kept).tolist()) == given


def noted(done, function, *arguments):
    done.add(function.__name__)
    return function(*arguments)


def test_without_tightness_no_mask_is_made_to_fill_its_box(scans, tmp_path, monkeypatch):
    done = set()
    for name in ("tightened", "widened"):
        monkeypatch.setattr(handing_on, name, partial(noted, done, getattr(handing_on, name)))
    _, _, places = run(scans, tmp_path, [labels(boxes=[BALL, ROD]), labels(1)], tightness=False)
    assert (places.state / "handing-on-000").is_dir()
    assert done == set()


def test_known_pixels_are_in_the_written_mask_to_the_voxel(scans, tmp_path):
    points = [Point("ball", (30, 33, 3)), Point("ball", (12, 14, 3), shows=False), Point("rod", (5, 20, 6))]
    (found, _), _, _ = run(scans, tmp_path, [labels(boxes=[BALL], points=points), labels(1)])
    assert found[3, 33, 30] == 1
    assert found[3, 14, 12] != 1
    assert found[6, 20, 5] == 2
    outside = np.ones((40, 36), bool)
    outside[10:19, 8:17] = outside[33, 30] = False
    assert not (found[3][outside] == 1).any()


def test_what_lies_outside_of_what_was_given_changes_nothing(scans, tmp_path):
    plain, _, _ = run(scans, tmp_path / "a", [labels(), labels(1)])
    again, _, _ = run(scans, tmp_path / "b", [replace(labels(), size=(36, 40, 7)), labels(1)])
    assert all(np.array_equal(one, other) for one, other in zip(plain, again, strict=True))


def test_a_box_belongs_to_its_volume_and_the_other_keeps_its_presence(scans, tmp_path):
    far = Box("rod", (2, 2, 0), (9, 9, 0))
    found, _, _ = run(scans, tmp_path, [labels(boxes=[far]), labels(1)])
    assert 0 in shown(found[0], 2)
    assert 0 not in shown(found[1], 2)


def test_a_class_known_to_lie_on_a_side_is_drawn_there_alone(scans, tmp_path):
    # The scans are turned round: their voxels run to the patient's right.
    sided = ClassTable.from_json([{"name": "ball", "known": {"side": "left"}}, {"name": "rod"}])
    found, _, _ = run(scans, tmp_path, [labels(), labels(1)], sided)
    for array in found:
        columns = np.flatnonzero((array == 1).any((0, 1)))
        assert columns.size
        assert columns.max() <= 20


def test_masks_that_were_handed_on_are_kept_and_made_anew_for_other_boxes_alone(scans, tmp_path):
    _, _, places = run(scans, tmp_path, [labels(boxes=[BALL, ROD]), labels(1)])
    kept = sorted(path.name for path in places.state.glob("handing-on-*"))
    assert len(kept) == 1
    events = []
    with one_thread():
        run_folder(places.path, report=events.append, cache_root=tmp_path.parent / "cache")
    states = {one.stage: one.state for one in events if isinstance(one, Stage)}
    assert states["pseudo-masks"] == "reused"
    assert sorted(path.name for path in places.state.glob("handing-on-*")) == kept
