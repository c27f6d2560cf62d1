"""Scan tags alone, from what a reader says to scores: scans without the class are cut off where a set has none."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from faults.label_bench import play_here
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME, QUICK

from WeakMedSAMLib.contract.results import LABELS
from WeakMedSAMLib.contract.runs import load_run
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.mask_tags import parse_mask_classes
from WeakMedSAMLib.engine.data.volumes import read_labels, read_volume
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies import effort_runs
from WeakMedSAMLib.studies.cases import find_cases, volume_of
from WeakMedSAMLib.studies.effort_benchmark import run_policies
from WeakMedSAMLib.studies.effort_curves import mean_dice
from WeakMedSAMLib.studies.effort_parts import cut, parts_without
from WeakMedSAMLib.studies.effort_policies import policy_named
from WeakMedSAMLib.studies.label_runs import LabelOptions

COUNT, SLICES = 4, 12
CLASSES = parse_mask_classes("ball=1")


def first_shown(number):
    return 6 + number % 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Bodies with a bright ball on four of twelve slices, in each scan on others."""
    made = tmp_path_factory.mktemp("balls")
    geometry = Geometry((5.0, 2.0, 7.0), (1.0, 1.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (36, 40, SLICES))
    for number in range(COUNT):
        k, j, i = np.mgrid[:SLICES, :40, :36]
        body = (j - 20) ** 2 + (i - 18) ** 2 < 17**2
        shown = (k >= first_shown(number)) & (k < first_shown(number) + 4)
        ball = ((j - 14 - number) ** 2 + (i - 14) ** 2 < 30) & shown
        scan = np.random.default_rng(number).normal(100, 15, k.shape) + 150 * body + 500 * ball
        for kind, array in (("image", scan.astype(np.int16)), ("mask", ball.astype(np.uint8))):
            sitk.WriteImage(geometry.image(array), str(made / f"scan{number}_{kind}.nii.gz"))
    return made


def test_parts_are_the_longest_stretches_without_the_class_of_half_of_the_scans(folder, tmp_path):
    cases = find_cases(folder)
    parts = parts_without(cases, CLASSES, 0)
    assert len(parts) == COUNT // 2
    assert parts == parts_without(cases, CLASSES, 0)
    assert len({tuple(parts_without(cases, CLASSES, seed)) for seed in range(4)}) > 1
    ends = {f"scan{number}": first_shown(number) - 1 for number in range(COUNT)}
    assert all((first, last) == (0, ends[name]) for name, first, last in parts)
    name = parts[0][0]
    (one,) = cut(cases, parts[:1])
    (whole,) = [case for case in cases if case.name == name]
    assert (one.patient, one.name == name) == (whole.patient, False)
    assert not one.masks().mask(CLASSES[0]).any()
    (late,) = cut(cases, [(name, 2, 4)])
    written = read_volume(volume_of(late, tmp_path))
    assert np.array_equal(written.array, whole.voxels()[2:5])
    assert written.geometry.origin == pytest.approx((5.0, 2.0, 7.0 + 2 * 3.0))
    # Where a scan lacks the class already nothing need be cut.
    assert parts_without([*cases, one], CLASSES, 0) == []


@pytest.mark.soak
def test_a_reader_who_says_of_scans_alone_what_they_show_gets_masks(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(effort_runs, "play_apart", play_here)
    drawn = {}

    def run(path, cache_root, **method):
        done = run_folder(path, cache_root=cache_root, **method)
        for volume in load_run(path).volumes:
            drawn[volume.name] = read_labels(path / "results" / volume.id / LABELS)[0] > 0
        return done

    options = LabelOptions(folder, "ball=1", device="cpu", backbone=NAME, overrides=tuple(QUICK.items()))
    policy = policy_named("scan-tags")
    with one_thread():
        (report,) = run_policies(options, [policy], (0,), tmp_path / "out", tmp_path / "cache", run=run)
    assert report["status"] == "ok", report.get("reason")
    (state,) = report["states"]
    assert state["refused"] == ""
    assert len(drawn) == COUNT + COUNT // 2
    assert len(state["patients"]) == COUNT
    assert mean_dice(state["patients"]) > 0.5, mean_dice(state["patients"])
    assert not any(mask.any() for name, mask in drawn.items() if "slices" in name)
    # Of a part it is said that it lacks the class, and nothing is looked at.
    assert state["gestures"]["scan-tag"] == COUNT + COUNT // 2
    assert state["gestures"]["review"] == COUNT * SLICES
