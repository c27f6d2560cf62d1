"""How early an order of slices finds the missing Dice: areas that can be counted by hand, and intervals."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import write_json
from WeakMedSAMLib.contract.quality import ClassQuality, Quality
from WeakMedSAMLib.engine.data.layouts.known import read_dataset
from WeakMedSAMLib.engine.data.mask_tags import parse_mask_classes
from WeakMedSAMLib.studies.cases import cases_of
from WeakMedSAMLib.studies.cohorts import scored
from WeakMedSAMLib.studies.proposals import (
    PATIENT,
    SLICE,
    candidates_of,
    compare,
    compare_reports,
    proposals_table,
    write_section,
)
from WeakMedSAMLib.studies.resumable import kept_reports


def row(patient, confidence, drawn, true, shared, name="ball"):
    quality = ClassQuality(slice_confidence=confidence, pixels=drawn, confidence=0.5)
    kept = {"quality": asdict(quality), "drawn": drawn, "true": true, "shared": shared}
    return {"case": patient, "patient": patient, "class": name, "by_slice": kept}


def alike(patients=4):
    """A small slice that is least sure, a large one that is wrong, and one that is tagged absent."""
    return [row(f"p{n}", [0.1, 0.5, 1.0], [2, 98, 0], [2, 98, 0], [1, 49, 0]) for n in range(patients)]


def report(rows, **more):
    about = {"set": "balls", "way": "tagged", "seed": 0, "status": "ok", **more}
    return {**about, "accuracy": {"tagged": {"patients": rows}}}


def test_the_missing_dice_of_slices_is_that_of_the_volume():
    rows = [row("a", [0.5, 0.5, 1.0], [10, 0, 4], [6, 4, 0], [5, 0, 0]), *alike()]
    found = candidates_of(rows)
    dice = 2 * 5 / (14 + 10)
    assert found.missing[PATIENT][:2].sum() + found.beyond == pytest.approx(1 - dice)
    assert found.beyond == pytest.approx(4 / 24)  # drawn on a slice that is tagged absent
    assert found.missing[SLICE][:2] == pytest.approx([6 / 16, 1.0])
    assert len(found.missing[PATIENT]) == 10


def test_a_scored_case_keeps_what_each_slice_has_of_the_dice(tmp_path):
    k, j, i = np.mgrid[:8, :24, :20]
    ball = (((k - 3.5) / 2) ** 2 + ((j - 12) / 5) ** 2 + ((i - 9) / 5) ** 2 < 1).astype(np.uint8)
    for name, array in (("a_image", ball.astype(np.int16)), ("a_mask", ball)):
        sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / f"{name}.nii.gz"))
    results = tmp_path / "results"
    results.mkdir()
    sitk.WriteImage(sitk.GetImageFromArray(np.roll(ball, 2, axis=1)), str(results / "labels.nrrd"))
    said = ClassQuality(slice_confidence=[0.5] * 8, doubted={2: "alone"})
    write_json(results / "quality.json", Quality(0.5, classes={"ball": said}).to_json())
    (case,) = cases_of(read_dataset(tmp_path, "pairs"), None, 1, "k")
    (scored_row,) = scored(case, results, parse_mask_classes("ball=1"), True)
    found = json.loads(json.dumps(scored_row.to_json()))
    drawn, true, shared = (sum(found["by_slice"][name]) for name in ("drawn", "true", "shared"))
    assert found["patient_dice"] == pytest.approx(2 * shared / (drawn + true), abs=1e-4)
    assert 0 < shared < true
    assert ClassQuality.from_json(found["by_slice"]["quality"]) == said
    assert found["patient"] == case.patient


def test_areas_are_those_under_the_share_that_is_found():
    found = compare(candidates_of(alike()))
    orders = found["orders"]
    assert (found["slices"], found["patients"], found["beyond"]) == (8, 4, 0.0)
    # The small slices first: a half of the slices have 0.02 of what is missing.
    assert orders["least-sure"]["area"] == pytest.approx(0.5 * 0.02 / 2 + 0.5 * (0.02 + 1) / 2, abs=1e-4)
    assert orders["expected-loss"]["area"] == pytest.approx(0.5 * 0.98 / 2 + 0.5 * (0.98 + 1) / 2, abs=1e-4)
    assert orders["expected-loss"]["early"] == pytest.approx(0.98 / 5, abs=1e-4)
    assert orders["largest"]["area"] == orders["expected-loss"]["area"]
    assert compare(candidates_of(alike()), SLICE)["orders"]["best"]["area"] == pytest.approx(0.5, abs=1e-4)  # all alike
    assert orders["best"]["area"] == orders["expected-loss"]["area"]
    assert orders["random"]["area"] == pytest.approx(0.5, abs=0.03)
    low, high = orders["expected-loss"]["area_interval"]
    assert low == high == pytest.approx(orders["expected-loss"]["area_difference"], abs=2e-4)  # all patients are alike


def test_the_interval_tells_whether_patients_agree():
    other = [row(f"q{n}", [0.1, 0.5], [50, 50], [50, 50], [0, 50]) for n in range(4)]
    low, high = compare(candidates_of([*alike(), *other]))["orders"]["expected-loss"]["area_interval"]
    assert low < high
    assert np.isfinite([low, high]).all()


def test_reports_are_read_from_the_folder_of_the_sets_and_written_into_the_page(tmp_path):
    for name, seed, rows in (("balls", 0, alike()), ("balls", 1, alike(9)), ("others", 0, alike(5))):
        (tmp_path / name).mkdir(exist_ok=True)
        write_json(tmp_path / name / f"tagged-seed{seed}.json", report(rows, set=name, seed=seed))
    compared = compare_reports(kept_reports(tmp_path))
    assert {name: one["patient"]["patients"] for name, one in compared.items()} == {"balls": 4, "others": 5}
    page = tmp_path / "figures.md"
    page.write_text("# Figures\n\n## What to look at next\n\nold\n\n## Time\n\nkept\n", "utf-8")
    text = write_section(compared, tmp_path).read_text("utf-8")
    assert "old" not in text
    assert text.endswith("## Time\n\nkept\n")
    assert proposals_table(compared).strip() in text
    assert text.count("| expected-loss |") == 4


def test_reports_without_slices_are_refused(tmp_path):
    bare = [{"case": "a", "class": "ball"}]
    for reports in ([], [report(bare)], [report(alike(), status="failed")]):
        with pytest.raises(UserError) as caught:
            compare_reports(reports)
        assert caught.value.code == "nothing_measured"
    assert candidates_of([*alike(), *bare]).patients == 4
    with pytest.raises(UserError) as caught:
        candidates_of(alike(2))
    assert caught.value.code == "too_few_cases"
