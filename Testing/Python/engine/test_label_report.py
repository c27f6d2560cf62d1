"""Scores and tables of the benchmark of labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.studies.label_confidence import confidence_part
from WeakMedSAMLib.studies.label_report import overview, page, parts_table, set_table, write_page
from WeakMedSAMLib.studies.label_runs import LabelOptions
from WeakMedSAMLib.studies.label_scores import LabelScore, by_class, dice_here_and_elsewhere, marked_slices


def test_dice_elsewhere_is_without_the_slices_that_hold_marks_of_the_class():
    labels = VolumeLabels("scan", n_slices=4, size=(10, 10, 4))
    BOXES.put(labels, [Box("a", (0, 0, 1), (2, 2, 1)), Box("b", (0, 0, 0), (2, 2, 3))])
    POINTS.put(labels, [Point("a", (0, 0, 2))])
    assert marked_slices(labels, "a") == [1, 2]
    truth = np.zeros((4, 10, 10), bool)
    truth[1:4, :5, :5] = True
    predicted = truth.copy()
    predicted[3, :, :5] = True
    found = dice_here_and_elsewhere(predicted, truth, "k", [1, 2])
    assert found == pytest.approx((2 * 75 / (75 + 100), 2 * 25 / (25 + 50)))


def test_without_another_slice_tagged_as_showing_the_class_there_is_no_dice_elsewhere():
    truth = np.zeros((4, 10, 10), bool)
    truth[1, :5, :5] = truth[2, :3, :3] = True  # nine pixels: tagged absent
    both, elsewhere = dice_here_and_elsewhere(truth, truth, "k", [1])
    assert both == 1
    assert np.isnan(elsewhere)
    assert dice_here_and_elsewhere(truth, truth, "k", [2]) == (1, 1)
    sideways = truth.transpose(2, 1, 0)
    assert np.isnan(dice_here_and_elsewhere(sideways, sideways, "i", [1])[1])


def test_means_are_over_patients_of_whom_each_counts_once():
    def score(patient, dice, elsewhere, name="a"):
        return {"patient": patient, "class_name": name, "dice": dice, "dice_elsewhere": elsewhere}

    scores = [score("p", 0.2, 0.1), score("p", 0.4, None), score("q", 0.9, 0.5), score("q", 0.5, None, "b")]
    assert by_class(scores) == {
        "a": {"dice": 0.6, "dice_elsewhere": 0.3},
        "b": {"dice": 0.5, "dice_elsewhere": None},
    }


def test_what_a_part_is_worth_is_the_difference_over_common_seeds():
    reports = [
        *reports_of("box", 0.8, 0.9),
        *reports_of("without-places", 0.7),
        *reports_of("without-guess-weight", 0.5),
    ]
    assert parts_table(reports).splitlines()[2:] == [
        "| box: the network is not shown places in the body | 0.700 (-0.100) | 1 |"
    ]
    assert "without" not in set_table(reports)
    assert "places" not in overview(reports)
    assert "(-0.100)" in page(reports)
    assert parts_table(reports[:2]) == ""


def reports_of(row, *dice, elsewhere=0.4, set_name="liver"):
    """Reports of a row, one a seed."""
    return [
        {
            "set": set_name,
            "row": row,
            "seed": seed,
            "status": "ok",
            "volumes": 5,
            "run_seconds": 60.0 + seed,
            "classes": {"liver": {"dice": value, "dice_elsewhere": elsewhere}},
            "patients": [{"case": "secret", "patient": "secret"}],
            "options": LabelOptions(
                Path(set_name), "liver=1", "liver=right", stride=2, device="cpu", overrides=(("rounds", 1),)
            ).to_json(),
            "machine": {"processor": "a processor", "cores": 2},
            "versions": {"torch": "2"},
        }
        for seed, value in enumerate(dice)
    ]  # fmt: skip


def test_the_table_has_mean_and_spread_over_seeds_elsewhere_and_time():
    reports = [
        *reports_of("tags", 0.7), *reports_of("box", 0.8, 0.9), *reports_of("box-third", 0.75),
        *reports_of("box-every-slice", 0.95, elsewhere=None),
    ]  # fmt: skip
    lines = set_table(reports).splitlines()
    assert lines[0] == "|  | liver | liver, elsewhere | seeds | s |"
    assert lines[2:] == [
        "| slice tags | 0.700 |  | 1 | 60 |",
        "| tags, and a box a class and volume | 0.850 (0.800 to 0.900) | 0.400 (0.400 to 0.400) | 2 | 60 |",
        "| tags, and a box in a third of the volumes: the other two thirds | 0.750 |  | 1 | 60 |",
        "| tags, and a box on every slice | 0.950 | - | 1 | 60 |",
    ]


def test_the_page_has_all_sets_what_they_were_measured_with_and_no_patient(tmp_path):
    path = write_page([*reports_of("tags", 0.7), *reports_of("tags", 0.6, set_name="brain")], tmp_path / "docs")
    text = path.read_text(encoding="utf-8")
    assert text.index("## brain") < text.index("## liver")
    command = (
        "`weakmedsam benchmark labels brain --labels liver=1 --side liver=right --stride 2 --device cpu --set rounds=1`"
    )
    for part in (command, "5 volumes", "a processor", "normal of 3%"):
        assert part in text
    assert "secret" not in text
    assert "LiteMedSAM was pre-trained" in text
    assert text.endswith("|\n")


def test_the_overview_has_a_line_a_set_and_a_column_a_row():
    reports = [*reports_of("tags", 0.7, 0.8), *reports_of("box", 0.9), *reports_of("tags", 0.612, set_name="brain")]
    reports[-1]["classes"] = {"a": {"dice": 0.612}, "b": {"dice": None}}
    assert overview(reports).splitlines() == [
        "|  | tags | box |",
        "| --- | --- | --- |",
        "| brain: a, b | 0.61 - |  |",
        "| liver: liver | 0.75 | 0.90 |",
    ]


def test_without_a_finished_row_there_is_no_page(tmp_path):
    with pytest.raises(UserError) as caught:
        write_page([], tmp_path)
    assert caught.value.code == "nothing_measured"


def sure_scores(*values, name="liver"):
    """Scores of patients p, q, ...: confidence and Dice."""
    return [
        {"case": f"secret {number}", "patient": "pqrs"[number], "class_name": name, "confidence": sure, "dice": dice}
        for number, (sure, dice) in enumerate(values)
    ]


def test_how_sure_runs_are_is_told_by_row_and_set_and_means_are_over_sets():
    (tags,), (box,), (brain,) = (reports_of(*one) for one in (("tags", 0.7), ("box", 0.9), ("box", 0.9)))
    tags["patients"] = sure_scores((0.7, 0.6), (0.8, 0.9), (0.5, None))
    box["patients"] = sure_scores((0.4, 0.93), (0.5, 0.9), (0.6, 0.96))
    brain |= {"set": "brain", "patients": sure_scores((0.8, 0.8))}
    text = confidence_part([tags, box, brain])
    assert [line for line in text.splitlines() if line.startswith("| ")][2:] == [
        "| slice tags | liver | 2 | 0.750 | 0.750 | +0.000 | 0.100 | 1.000 |",
        "| tags, and a box a class and volume | brain | 1 | 0.800 | 0.800 | +0.000 | 0.000 | - |",
        "| tags, and a box a class and volume | liver | 3 | 0.500 | 0.930 | -0.430 | 0.430 (0.360 to 0.530) "
        "| 0.667 (0.000 to 1.000) |",
        "| tags, and a box a class and volume | **mean of 2 sets** |  | 0.650 | 0.865 | -0.215 | 0.215 | 0.667 |",
    ]
    assert text in page([tags, box, brain])
    assert "secret" not in text


def test_rows_from_before_confidence_was_kept_are_read_as_before():
    assert confidence_part(reports_of("tags", 0.7)) == ""
    assert "## Confidence" not in page(reports_of("tags", 0.7))
    score = LabelScore("scan", "p", "liver", 0.8, 0.7, 1)
    assert "confidence" not in score.to_json()
    assert replace(score, confidence=0.613).to_json()["confidence"] == 0.613
