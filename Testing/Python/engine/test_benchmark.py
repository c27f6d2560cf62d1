"""The accuracy benchmark: its figures, its groups, and that masks reach nothing but tags and scores."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Stage
from WeakMedSAMLib.contract.runs import load_run
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.volumes import read_labels
from WeakMedSAMLib.engine.evaluation.scoring import Score, score, summary
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies.accuracy import AccuracyOptions, measure_accuracy
from WeakMedSAMLib.studies.accuracy_report import time_lines
from WeakMedSAMLib.studies.cases import cases_of, find_cases

GEOMETRY = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (20, 24, 12))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write_case(folder, number):
    """A bright ball on slices 3..8 of 12, and its exact mask."""
    generator = np.random.default_rng(number)
    k, j, i = np.mgrid[:12, :24, :20]
    ball = ((k - 5.5) / 3) ** 2 + ((j - 12) / 5) ** 2 + ((i - 9) / 5) ** 2 < 1
    array = (generator.normal(100, 20, ball.shape) + 400 * ball).astype(np.int16)
    sitk.WriteImage(GEOMETRY.image(array), str(folder / f"case{number}_image.nii.gz"))
    sitk.WriteImage(GEOMETRY.image(ball.astype(np.uint8) * 3), str(folder / f"case{number}_mask.nii.gz"))


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "cases"
    place.mkdir()
    for number in range(6):
        write_case(place, number)
    return place


@pytest.fixture
def measure(tmp_path, folder, method):
    def run(work=None, **options):
        runner = partial(run_folder, **method.arguments)
        options = AccuracyOptions(folder, "ball=3", **{"encoder_only": False, **options})
        return measure_accuracy(options, tmp_path / "bench" / "report.json", work=work, runner=runner)

    return run


def test_the_report_holds_the_figures_and_is_written(measure, tmp_path):
    report = measure()
    assert json.loads((tmp_path / "bench" / "report.json").read_text(encoding="utf-8")) == report
    tagged = report["tagged"]
    assert 0.5 < tagged["patient_dice_mean"] < 1
    assert tagged["patient_dice_interval"][0] <= tagged["patient_dice_mean"] <= tagged["patient_dice_interval"][1]
    assert {entry["case"] for entry in tagged["patients"]} == {f"case{number}" for number in range(6)}
    assert tagged["empty_predictions"] == 0
    assert report["untagged"] is None
    assert report["total_seconds"] > 0
    assert report["peak_private_mb"] > 50
    assert set(report["seconds_by_stage"]) == {f"bright-{number:03d}" for number in range(6)}
    assert (report["cases"], report["slices"]) == (6, 72)
    assert report["versions"]["torch"]


def test_nothing_but_the_report_is_left_behind(measure, tmp_path):
    measure()
    assert [path.name for path in (tmp_path / "bench").iterdir()] == ["report.json"]


def test_the_report_names_no_folder_of_this_machine(measure, tmp_path):
    measure()
    assert str(tmp_path) not in (tmp_path / "bench" / "report.json").read_text(encoding="utf-8")


def test_untagged_patients_are_reported_apart(measure):
    report = measure(untagged=0.5)
    tagged, untagged = ({row["case"] for row in report[name]["patients"]} for name in ("tagged", "untagged"))
    assert len(tagged) == len(untagged) == 3
    assert not tagged & untagged


def test_over_folds_everyone_is_untagged_once(measure):
    report = measure(folds=3)
    everyone = sorted(f"case{number}" for number in range(6))
    assert sorted(row["case"] for row in report["untagged"]["patients"]) == everyone
    assert sorted(row["case"] for row in report["tagged"]["patients"]) == everyone
    assert [run["volumes"] for run in report["runs"]] == [6, 6, 6]


def test_scans_of_one_patient_are_untagged_together_and_known_to_the_run_as_one_patient(measure, monkeypatch, tmp_path):
    def of_two_patients(*arguments):
        return [replace(case, patient=f"patient {number % 2}") for number, case in enumerate(cases_of(*arguments))]

    monkeypatch.setattr("WeakMedSAMLib.studies.accuracy.cases_of", of_two_patients)
    report = measure(untagged=0.5, work=tmp_path / "kept")
    untagged = {row["case"] for row in report["untagged"]["patients"]}
    assert untagged in ({"case0", "case2", "case4"}, {"case1", "case3", "case5"})
    (run,) = (tmp_path / "kept").glob("*/run-*")
    assert [volume.patient for volume in load_run(run).volumes] == ["patient 0", "patient 1"] * 3


def test_single_runs_every_volume_alone(measure):
    report = measure(single=True, cases=4)
    assert [run["volumes"] for run in report["runs"]] == [1, 1, 1, 1]
    assert report["tagged"]["patients_scored"] == 4


def test_cohort_sizes_make_a_table_of_disjoint_cohorts(measure):
    report = measure(cohort_sizes=(1, 2, 4), draws=3)
    table = report["cohort_sizes"]
    assert [(line["volumes"], line["cohorts"], line["patients_scored"]) for line in table] == [
        (1, 3, 3),
        (2, 3, 6),
        (4, 1, 4),
    ]
    assert all(line["patient_dice_mean"] > 0.5 for line in table)


def test_every_other_slice_with_a_stride(measure):
    report = measure(stride=2)
    assert report["slices"] == 36
    assert report["tagged"]["patient_dice_mean"] > 0.5


def test_after_an_edit_of_one_volume_only_that_is_run_again(measure, method):
    report = measure(edit_rerun=True)
    assert report["edit_rerun_seconds"] > 0
    assert report["edit_rerun_seconds_by_stage"]["bright-000"] >= 0
    assert len(method.bright.computed) == 7


def test_time_is_told_as_shares_and_ratios():
    report = {
        "total_seconds": 200.0,
        "seconds_by_stage": {"embed": 150.0, "masks": 30.0},
        "encoder_only_seconds": 250.0,
        "edit_rerun_seconds": 50.0,
        "edit_rerun_seconds_by_stage": {"embed": 5.0, "masks": 40.0},
    }
    told = "\n".join(time_lines(report))
    for part in ("embed 75%, masks 15%", "0.80 x", "0.25 x", "embed 10%, masks 80%"):
        assert part in told
    assert "edit" not in "\n".join(time_lines({**report, "edit_rerun_seconds": None}))


def test_a_volume_that_cannot_be_learned_from_counts_as_an_empty_prediction(measure, folder):
    mask = GEOMETRY.image(np.full(GEOMETRY.shape, 3, np.uint8))
    sitk.WriteImage(mask, str(folder / "case1_mask.nii.gz"))
    report = measure(single=True)
    assert report["tagged"]["empty_predictions"] == 1
    assert report["runs"][1]["refused"]
    assert next(row for row in report["tagged"]["patients"] if row["case"] == "case1")["patient_dice"] == 0


def scramble(path, generator):
    """Move the mask about inside each slice that has any, keeping its pixel count and so its tag."""
    labels, geometry = read_labels(path)
    for slice_ in labels:
        flat = slice_.ravel()
        generator.shuffle(flat)
        slice_[:] = flat.reshape(slice_.shape)
    sitk.WriteImage(geometry.image(labels), str(path))


def outputs(work):
    """The label maps and the probabilities that the runs in a folder made."""
    return [read_labels(path)[0] for path in sorted(work.rglob("results/*/*.nrrd"))]


def test_scrambling_masks_inside_their_slices_changes_no_output(measure, folder, tmp_path):
    first = measure(work=tmp_path / "first")
    generator = np.random.default_rng(0)
    for path in folder.glob("*_mask.nii.gz"):
        scramble(path, generator)
    second = measure(work=tmp_path / "second")
    found, again = (outputs(tmp_path / name) for name in ("first", "second"))
    assert len(found) == 6 * 3
    assert all(np.array_equal(one, other) for one, other in zip(found, again, strict=True))
    tags = [sorted((tmp_path / name).rglob("tags.json"))[0].read_bytes() for name in ("first", "second")]
    assert tags[0] == tags[1]
    assert first["tagged"]["patient_dice_mean"] > 2 * second["tagged"]["patient_dice_mean"]


def test_no_mask_is_read_between_the_start_of_a_run_and_its_end(measure, folder, method):
    hidden = folder.parent / "hidden"

    def hide(event):
        if isinstance(event, Stage) and not hidden.exists():
            hidden.mkdir()
            for path in folder.glob("*_mask.nii.gz"):
                path.rename(hidden / path.name)

    method.arguments["report"] = hide
    with pytest.raises(UserError, match="case0_mask"):
        measure()
    assert method.bright.computed == [f"{number:03d}" for number in range(6)]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"folds": 2, "single": True}, "bad_benchmark"),
        ({"untagged": 1.0}, "bad_benchmark"),
        ({"cases": 7}, "too_few_cases"),
        ({"cohort_sizes": (8,)}, "too_few_cases"),
    ],
)
def test_what_cannot_be_measured_is_refused(measure, options, code):
    with pytest.raises(UserError) as caught:
        measure(**options)
    assert caught.value.code == code


def test_an_image_without_its_mask_is_named(folder):
    (folder / "case3_mask.nii.gz").unlink()
    with pytest.raises(UserError, match="case3_mask"):
        find_cases(folder)


def test_a_score_by_hand():
    truth = np.zeros((4, 4, 4), bool)
    truth[1:3, :2, :2] = True
    prediction = truth.copy()
    prediction[2, :2, :2] = False
    prediction[3, 0, 0] = True
    found = score(
        prediction, truth, Geometry((0.0,) * 3, (1.0, 1.0, 2.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (4, 4, 4))
    )
    assert found.patient_dice == pytest.approx(2 * 4 / (8 + 5))
    assert found.slice_dice == (1.0, 0.0)
    assert not found.empty_prediction


def test_an_empty_prediction_counts_as_the_diagonal_and_is_told():
    truth = np.zeros((3, 4, 5), bool)
    truth[1, 1, 1] = True
    geometry = Geometry((0.0,) * 3, (1.0, 2.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (5, 4, 3))
    found = score(np.zeros_like(truth), truth, geometry)
    assert found.empty_prediction
    assert found.hd95_mm == pytest.approx(np.sqrt(5**2 + 8**2 + 9**2))


def test_a_summary_pools_slices_and_leaves_out_patients_without_anything():
    nan = float("nan")
    scores = [
        Score(0.8, (0.9, 0.7, 0.8), 5.0, 1.0, False),
        Score(0.4, (0.2,), 15.0, 3.0, False),
        Score(nan, (), nan, nan, False),
    ]
    found = summary(scores)
    assert found["slice_dice_mean"] == pytest.approx(0.65)
    assert found["patient_dice_mean"] == pytest.approx(0.6)
    assert found["patient_dice_median"] == pytest.approx(0.6)
    assert found["patient_hd95_mm_mean"] == 10.0
    assert found["without_truth"] == 1
