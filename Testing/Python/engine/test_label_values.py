"""Values that masks do not hold are told with those that they do hold; nobody gets an empty class without a word."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.label_values import require_values, values_in_words
from WeakMedSAMLib.engine.data.mask_tags import parse_mask_classes
from WeakMedSAMLib.engine.data.volumes import write_volume
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies.accuracy import AccuracyOptions, measure_accuracy
from WeakMedSAMLib.studies.cases import check_cases, find_cases

GEOMETRY = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 2.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (20, 20, 8))


def mask_file(path, *values, side=6):
    """A mask with one cube of each value, ``side`` pixels wide, on slices 2..5."""
    labels = np.zeros((8, 20, 20), np.uint16)
    for number, value in enumerate(values):
        labels[2:6, 1 : 1 + side, 1 + 6 * number : 1 + side + 6 * number] = value
    write_volume(path, labels, GEOMETRY)
    return path


def from_mask(call, tmp_path, labels, *masks, more=()):
    words = [word for mask in masks for word in ("--mask", mask)]
    code, out, err = call("tags", "from-mask", *words, "--labels", labels, "--out", tmp_path / "tags.json", *more)
    return code, out, err


def test_values_are_said_in_order_and_not_without_end():
    assert values_in_words(range(1, 20)) == "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 7 more"
    assert values_in_words(()) == "none but 0"


def test_label_1_of_a_mask_of_0_and_255_is_refused_with_the_value(call, tmp_path):
    code, _, err = from_mask(call, tmp_path, "tumour=1", mask_file(tmp_path / "mask.nrrd", 255))
    assert code == 2
    assert "holds nothing of 'tumour' (1). Values that are there: 255." in err
    assert '--labels "tumour=255"' in err
    assert not (tmp_path / "tags.json").exists()


def test_a_class_of_none_of_several_masks_is_refused_and_an_empty_mask_says_so(call, tmp_path):
    masks = [mask_file(tmp_path / f"{name}.nrrd", *values) for name, values in (("a", [2]), ("b", [2, 4]), ("c", []))]
    code, _, err = from_mask(call, tmp_path, "liver=2,spleen=3", *masks)
    assert (code, "None of the 3 masks" in err, "'spleen' (3)" in err, "there: 2, 4." in err) == (2, True, True, True)
    code, _, err = from_mask(call, tmp_path, "liver=2", masks[2])
    assert (code, "none but 0" in err, "empty ones" in err) == (2, True, True)


def test_a_class_that_some_masks_lack_is_a_warning_for_each(call, tmp_path):
    masks = [
        mask_file(tmp_path / f"{name}.nrrd", *values) for name, values in (("a", [1, 2]), ("b", [1]), ("c", [255]))
    ]
    code, out, err = from_mask(call, tmp_path, "liver=1,spleen=2", *masks)
    assert code == 0
    assert err.count("Warning:") == 2
    assert "b.nrrd holds nothing of 'spleen' (2). Its values: 1." in err
    assert "c.nrrd holds nothing of 'liver' (1), 'spleen' (2). Its values: 255." in err
    assert "liver (label 1): 8 present" in out
    assert read_label_file(tmp_path / "tags.json").volumes[1].state("spleen").tolist() == [0] * 8


def test_many_masks_that_lack_a_class_are_counted(tmp_path):
    found = {tmp_path / f"{number}.nrrd": frozenset({1} if number else {1, 2}) for number in range(30)}
    problems = require_values(found, parse_mask_classes("a=1,b=2"), "--labels")
    assert len(problems) == 6
    assert "24 more of the 30 masks" in problems[-1].message


def test_one_of_several_values_of_a_class_that_is_nowhere(call, tmp_path):
    code, _, err = from_mask(call, tmp_path, "kidneys=2+3", mask_file(tmp_path / "mask.nrrd", 2, 4))
    assert code == 0
    assert "The value 3 of the class 'kidneys' is in none of the masks; values that are there: 2, 4." in err


def test_a_class_that_is_there_but_on_no_slice_large_enough(call, tmp_path):
    path = mask_file(tmp_path / "mask.nrrd", 1, side=4)
    code, out, err = from_mask(call, tmp_path, "nodule=1", path)
    assert (code, "0 present" in out) == (0, True)
    assert "shows 'nodule' (1), but on no slice" in err
    assert "--min-pixels" in err
    assert from_mask(call, tmp_path, "nodule=1", path, more=("--min-pixels", 9))[2] == ""


def test_masks_in_another_order_than_their_volumes_are_a_warning(call, tmp_path):
    (tmp_path / "scans").mkdir()
    masks = [mask_file(tmp_path / f"{name}_mask.nrrd", 1) for name in ("pat-1", "pat-2")]
    scans = [mask_file(tmp_path / "scans" / f"PAT_0{number}.nrrd", number) for number in (1, 2)]
    words = [word for scan in scans for word in ("--volume", scan)]
    assert from_mask(call, tmp_path, "a=1", *masks, more=words)[2] == ""
    code, _, err = from_mask(call, tmp_path, "a=1", *masks[::-1], more=words)
    assert code == 0
    assert "pat-2_mask.nrrd is given with" in err
    assert "belongs to 'PAT_02.nrrd'" in err


def evaluate(call, prediction, reference, *words):
    code, out, err = call("evaluate", "--prediction", prediction, "--reference", reference, *words)
    return code, out, err


def test_evaluate_refuses_a_class_that_no_reference_holds(call, tmp_path):
    prediction, reference = mask_file(tmp_path / "p.nrrd", 1), mask_file(tmp_path / "r.nrrd", 255)
    code, out, err = evaluate(call, prediction, reference, "--labels", "tumour=1")
    assert (code, out) == (2, "")
    assert "Values that are there: 255." in err
    words = ("--labels", "tumour=1", "--reference-labels")
    code, _, err = evaluate(call, prediction, reference, *words, "tumour=7")
    assert (code, '--reference-labels "tumour=255"' in err) == (2, True)
    code, out, err = evaluate(call, prediction, reference, *words, "tumour=255")
    assert (code, json.loads(out)["tumour"]["patient_dice"], err) == (0, 1, "")


def test_evaluate_names_the_values_of_a_prediction_without_the_class(call, tmp_path):
    prediction, reference = mask_file(tmp_path / "p.nrrd", 255), mask_file(tmp_path / "r.nrrd", 1)
    code, out, err = evaluate(call, prediction, reference)
    assert (code, json.loads(out)["label 1"]["patient_dice"]) == (0, 0)
    assert "holds nothing of 'label 1' (1); its values: 255. If its label values are others" in err


@pytest.fixture
def folders(tmp_path):
    """Predictions and references of two cases; the second is numbered in another way in both."""
    for folder in ("p", "r"):
        (tmp_path / folder).mkdir()
        for case, value in (("a", 1), ("b", 255)):
            mask_file(tmp_path / folder / f"{case}.nrrd", value)
    return tmp_path / "p", tmp_path / "r"


def test_evaluate_warns_of_a_single_mask_that_is_numbered_in_another_way(call, folders):
    code, _, err = evaluate(call, *folders, "--labels", "tumour=1")
    assert code == 0
    assert "r/b.nrrd holds nothing of 'tumour' (1). Its values: 255." in err
    assert "p/b.nrrd holds other values alone: 255 (1 such)." in err
    mask_file(folders[0] / "b.nrrd", 1)
    mask_file(folders[1] / "b.nrrd", 1)
    assert evaluate(call, *folders, "--labels", "tumour=1")[2] == ""


@pytest.fixture
def pairs(tmp_path):
    """A folder of scans with masks: nothing in the first, 255 in the second."""
    for number, (case, values) in enumerate((("a", []), ("b", [255]))):
        mask_file(tmp_path / f"{case}_mask.nrrd", *values)
        scan = np.random.default_rng(number).normal(100, 9, (8, 20, 20)).astype(np.float32)
        write_volume(tmp_path / f"{case}_image.nrrd", scan, GEOMETRY)
        for role in ("image", "mask"):
            as_nifti(tmp_path / f"{case}_{role}.nrrd")
    return tmp_path


def as_nifti(path):
    import SimpleITK as sitk  # noqa: N813

    sitk.WriteImage(sitk.ReadImage(str(path)), str(path.with_suffix(".nii.gz")))
    path.unlink()


def test_a_benchmark_says_what_was_noticed_in_scans_once_a_kind(pairs):
    for case in "ab":
        scan = np.random.default_rng(0).normal(100, 9, (8, 20, 20)).astype(np.float32)
        scan[0, 0, 0] = np.nan
        write_volume(pairs / f"{case}_image.nrrd", scan, GEOMETRY)
        as_nifti(pairs / f"{case}_image.nrrd")
    problems = check_cases(find_cases(pairs), parse_mask_classes("tumour=255"))
    assert [problem.code for problem in problems] == ["slicer_shows_other_values", "voxels_not_finite"]
    assert all("a_image.nii.gz" in each.message and each.message.endswith("(2 such)") for each in problems)


def test_a_benchmark_refuses_a_value_that_no_case_holds(call, pairs):
    cases = find_cases(pairs)
    with pytest.raises(UserError, match=r"None of the 2 masks.*\(1\).*there: 255") as caught:
        check_cases(cases, parse_mask_classes("1"))
    assert caught.value.code == "label_not_in_masks"
    assert check_cases(cases, parse_mask_classes("1"), all_needed=False)[0].code == "other_values_alone"
    assert check_cases(cases, parse_mask_classes("tumour=255")) == []
    code, _, err = call("benchmark", "accuracy", pairs, "--out", pairs / "report.json")
    assert (code, "Values that are there: 255." in err) == (2, True)


def test_a_benchmark_warns_of_a_mask_that_is_numbered_in_another_way(method, pairs, tmp_path):
    mask_file(pairs / "a_mask.nrrd", 1)
    as_nifti(pairs / "a_mask.nrrd")
    told = []
    options = AccuracyOptions(pairs, "1", encoder_only=False)
    measure_accuracy(options, tmp_path / "report.json", told.append, runner=partial(run_folder, **method.arguments))
    (warning,) = told
    assert "b_mask.nii.gz holds other values alone: 255 (1 such)." in warning.message
    assert "count as empty" in warning.hint
