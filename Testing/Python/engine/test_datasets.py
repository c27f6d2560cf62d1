"""Readers of dataset layouts, on small generated folders that lie as the published archives do."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.layouts.known import read_dataset
from WeakMedSAMLib.engine.data.layouts.scans import case_name
from WeakMedSAMLib.engine.data.mask_tags import parse_mask_classes
from WeakMedSAMLib.studies.cases import find_cases


def write(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(sitk.GetImageFromArray(np.asarray(values)), str(path))


def scan_and_mask(number, values):
    """A tiny scan, and a mask with the given label values, each on a slice of its own."""
    generator = np.random.default_rng(number)
    mask = np.zeros((4, 8, 8), np.uint8)
    for index, value in enumerate(values):
        mask[index, 1:7, 1:7] = value
    return generator.integers(0, 100, mask.shape, dtype=np.int16), mask


@pytest.fixture
def brats(tmp_path):
    root = tmp_path / "MICCAI_BraTS_2019_Data_Training"
    places = {"HGG": ["BraTS19_2013_2_1", "BraTS19_TCIA01_147_1"], "LGG": ["BraTS19_TMC_09043_1"]}
    for grade, cases in places.items():
        for number, case in enumerate(cases):
            image, mask = scan_and_mask(number, (1, 2, 4))
            suffix = ".nii.gz" if grade == "HGG" else ".nii"
            for kind in ("flair", "t1", "t1ce", "t2"):
                write(root / grade / case / f"{case}_{kind}{suffix}", image)
            write(root / grade / case / f"{case}_seg{suffix}", mask)
    (root / "survival_data.csv").write_text("BraTS19ID,Age\n", encoding="utf-8")
    return root


@pytest.fixture
def abdomen(tmp_path):
    root = tmp_path / "AbdomenCT-1K"
    for number in (1, 2, 401, 1001):
        image, mask = scan_and_mask(number, (1, 2, 3, 4))
        part = {1: "1", 401: "2", 1001: "3"}[max(start for start in (1, 401, 1001) if start <= number)]
        folder = root / f"AbdomenCT-1K-ImagePart{part}"
        # The third archive unpacks into a folder of its own name.
        folder = folder / folder.name if part == "3" else folder
        write(folder / f"Case_{number:05d}_0000.nii.gz", image)
        if number != 2:
            write(root / "Mask" / f"Case_{number:05d}.nii.gz", mask)
    return root


@pytest.fixture
def heart(tmp_path):
    root = tmp_path / "Task02_Heart"
    cases = ["la_007", "la_003"]
    for number, case in enumerate(cases):
        image, mask = scan_and_mask(number, (0, 1))
        write(root / "imagesTr" / f"{case}.nii.gz", image)
        write(root / "labelsTr" / f"{case}.nii.gz", mask)
        # As macOS leaves them in the archive.
        (root / "imagesTr" / f"._{case}.nii.gz").write_bytes(b"\0")
    write(root / "imagesTs" / "la_001.nii.gz", image)
    pairs = [{"image": f"./imagesTr/{case}.nii.gz", "label": f"./labelsTr/{case}.nii.gz"} for case in cases]
    about = {"name": "LeftAtrium", "modality": {"0": "MRI"}, "labels": {"0": "background", "1": "left atrium"}}
    described = {**about, "numTraining": 2, "training": pairs, "test": ["./imagesTs/la_001.nii.gz"]}
    (root / "dataset.json").write_text(json.dumps(described), encoding="utf-8")
    return root


def values_of(case, labels):
    """Positive slices by class, as tags from the mask."""
    tags = case.tags(parse_mask_classes(labels))
    return {name: [int(i) for i in np.flatnonzero(state == 1)] for name, state in tags.states.items()}


def test_brats_2019_is_found_with_the_whole_tumour_as_its_class(brats):
    found = read_dataset(brats)
    assert (found.layout, found.labels) == ("brats2019", "whole tumour=1+2+4")
    assert [scan.name for scan in found.scans] == ["BraTS19_2013_2_1", "BraTS19_TCIA01_147_1", "BraTS19_TMC_09043_1"]
    assert [scan.patient for scan in found.scans] == ["BraTS19_2013_2", "BraTS19_TCIA01_147", "BraTS19_TMC_09043"]
    assert all(scan.image.name.startswith(f"{scan.name}_flair") for scan in found.scans)
    assert values_of(find_cases(brats)[0], found.labels) == {"whole tumour": [0, 1, 2]}


def test_a_mask_of_nearly_the_name_of_its_image_is_proposed(tmp_path):
    for name in ("case_1_image", "case_01_mask"):
        (tmp_path / f"{name}.nii.gz").touch()
    with pytest.raises(UserError, match=r"no case_1_mask.nii.gz.*Is it 'case_01'\?") as caught:
        read_dataset(tmp_path)
    assert caught.value.code == "mask_missing"


def test_brats_without_masks_is_refused(brats):
    (brats / "LGG" / "BraTS19_TMC_09043_1" / "BraTS19_TMC_09043_1_seg.nii").unlink()
    with pytest.raises(UserError, match="BraTS19_TMC_09043_1_seg") as caught:
        read_dataset(brats)
    assert caught.value.code == "mask_missing"


def test_abdomenct1k_is_found_over_its_three_parts(abdomen):
    found = read_dataset(abdomen)
    assert (found.layout, found.without_mask) == ("abdomenct1k", 1)
    assert [scan.name for scan in found.scans] == ["Case_00001", "Case_00401", "Case_01001"]
    assert [scan.mask.name for scan in found.scans] == ["Case_00001.nii.gz", "Case_00401.nii.gz", "Case_01001.nii.gz"]
    assert values_of(find_cases(abdomen)[2], found.labels) == {
        "liver": [0],
        "kidney": [1],
        "spleen": [2],
        "pancreas": [3],
    }


def test_a_decathlon_task_is_found_by_its_description(heart):
    found = read_dataset(heart)
    assert (found.layout, found.labels) == ("msd", "left atrium=1")
    assert [scan.name for scan in found.scans] == ["la_003", "la_007"]
    assert read_dataset(heart.parent) == found
    assert values_of(find_cases(heart)[0], found.labels) == {"left atrium": [1]}


@pytest.mark.parametrize(
    "text", ['{"training": []}', '{"training": [{"image": 3}], "labels": {}}', "[]", '{"labels": 1}']
)
def test_a_description_that_is_none_is_refused(heart, text):
    (heart / "dataset.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_dataset(heart)
    assert caught.value.code in ("bad_dataset", "no_cases")


def test_a_description_reaches_nothing_outside_its_task(heart, tmp_path):
    write(tmp_path / "secret.nii.gz", scan_and_mask(0, (1,))[0])
    pairs = [{"image": "../secret.nii.gz", "label": "./labelsTr/la_003.nii.gz"}]
    (heart / "dataset.json").write_text(json.dumps({"training": pairs, "labels": {"1": "x"}}), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_dataset(heart)
    assert caught.value.code == "mask_missing"


def test_a_scan_that_lies_there_twice_is_refused(abdomen):
    image, _ = scan_and_mask(1, (1,))
    write(abdomen / "copy" / "Case_00001_0000.nii.gz", image)
    with pytest.raises(UserError) as caught:
        read_dataset(abdomen)
    assert caught.value.code == "duplicate_case"


def test_plain_pairs_and_what_is_no_dataset(tmp_path):
    with pytest.raises(UserError, match="no scans") as caught:
        read_dataset(tmp_path)
    assert "_image.nii.gz" in caught.value.hint
    image, mask = scan_and_mask(0, (1,))
    write(tmp_path / "a_image.nii.gz", image)
    write(tmp_path / "a_mask.nii.gz", mask)
    assert [(scan.name, scan.patient) for scan in read_dataset(tmp_path).scans] == [("a", "a")]
    with pytest.raises(UserError) as caught:
        read_dataset(tmp_path, "nnunet")
    assert caught.value.code == "unknown_layout"


def test_names_of_scan_and_mask_are_the_same(tmp_path):
    names = ("x_image.nii.gz", "x_mask.nii", "x_flair.nii.gz", "x_seg.nrrd", "x_0000.nii.gz", "x.seg.nrrd", "x")
    assert {case_name(tmp_path / name) for name in names} == {"x"}
    assert case_name(tmp_path / "_mask.nii.gz") == "_mask"
