"""``weakmedsam next``: what to look at next in a run, and what is said where nothing can be."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Done, Error, encode
from WeakMedSAMLib.contract.files import write_json
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
from WeakMedSAMLib.contract.labels.label_files import write_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.quality import ClassQuality, Quality
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.contract.runs import RunDescription, RunVolume, load_run, save_run
from WeakMedSAMLib.engine.cli.segment import list_results

TAGGED = ClassQuality(tagged=[0, 1, 2, 3], slice_probability=[1.0] * 4)
LIVER = replace(TAGGED, confidence=0.6, slice_confidence=[0.4, 0.8, 1.0, 1.0], pixels=[10, 90, 0, 0])
KIDNEY = replace(TAGGED, confidence=0.3, slice_confidence=[0.3, 0.2, 0.4, 1.0], pixels=[1, 7, 2, 0], place_unsure=True)


@pytest.fixture
def run(tmp_path):
    """A run of three volumes, the third without masks."""
    volumes = [RunVolume(f"00{n}", f"volumes/00{n}.nrrd", f"scan {n}") for n in range(3)]
    save_run(tmp_path / "run-1", RunDescription(volumes=volumes, classes=ClassTable.from_names(["liver", "kidney"])))
    put(tmp_path / "run-1", "000", {"liver": LIVER})
    doubted = replace(LIVER, slice_confidence=[0.9, 0.9, 0.9, 1.0], doubted={1: "range_end", 2: "range_end"})
    put(tmp_path / "run-1", "001", {"liver": doubted, "kidney": KIDNEY})
    return tmp_path / "run-1"


def put(run, volume, classes):
    folder = RunFolder(run).results(volume)
    folder.mkdir(parents=True)
    write_json(folder / "quality.json", Quality(0.5, classes=classes).to_json())


def test_the_most_promising_comes_first_over_all_volumes(call, run):
    code, out, err = call("next", run)
    lines = [line.split("  ") for line in out.splitlines()]
    rows = [[word.strip() for word in line if word.strip()] for line in lines]
    assert code == 0
    assert rows == [
        ["volume", "class", "slice", "do", "confidence", "why"],
        ["scan 1", "kidney", "1", "box", "30%", "it is not sure what is meant, 3 slices"],
        ["scan 1", "liver", "1-2", "check the tag", "50%", "tagged present, the range seems to end before"],
        ["scan 0", "liver", "1", "correct", "80%", "the outline is unsure; 1 more slice"],
    ]
    assert "Without masks, and left out: 1 volume: 'scan 2'." in err


def test_of_one_volume_all_slices_are_listed(call, run):
    lines = call("next", run, "--volume", "scan 0")[1].splitlines()[1:]
    assert [line.split()[3:5] for line in lines] == [["1", "correct"], ["0", "correct"]]


def test_only_so_many_of_a_class_and_volume(call, run):
    _, out, _ = call("next", run, "--class", "liver", "--volume", "scan 0", "--count", 1)
    assert len(out.splitlines()) == 3
    assert "scan 0" in out
    assert "kidney" not in out
    assert out.splitlines()[-1] == "And 1 more."
    put(run, "002", {"liver": replace(LIVER, slice_confidence=[1.0] * 4)})
    assert call("next", run, "--volume", "scan 2")[1].strip() == "Nothing is in doubt."


def labels_of(run, n_slices=4):
    """Labels of the volumes of a run: all slices of all classes present."""
    volumes = []
    for number in range(3):
        volumes.append(VolumeLabels(f"scan {number}", n_slices=n_slices, size=(12, 10, n_slices)))
        for name in ("liver", "kidney"):
            volumes[-1].set_range(name, 0, n_slices - 1, PRESENT)
    return CohortLabels(ClassTable.from_names(["liver", "kidney"]), volumes)


def test_what_labels_answer_by_now_is_left_out(call, run, tmp_path):
    write_label_file(RunFolder(run).tags, labels_of(run))
    file = tmp_path / "now.json"
    now = labels_of(run)
    write_label_file(file, now)
    assert call("next", run, "--tags", file)[:2] == call("next", run)[:2]
    first, second, _ = now.volumes
    PAINTED.put(first, "liver", 1, "drawn", np.ones((10, 12), np.uint8))
    BOXES.put(second, [Box("kidney", (2, 2, 1), (5, 5, 1))])
    CONFIRMED.confirm(second, "liver", [1])
    write_label_file(file, now)
    code, out, err = call("next", run, "--tags", file)
    assert code == 0
    assert [line.split()[:5] for line in out.splitlines()[1:]] == [
        ["scan", "1", "liver", "2", "check"],
        ["scan", "0", "liver", "0", "correct"],
    ]
    assert "Left out: 3 proposals that the labels answer by now." in err
    second.set("liver", 2, ABSENT)
    PAINTED.put(first, "liver", 0, "fine", np.ones((10, 12), np.uint8))
    write_label_file(file, now)
    assert call("next", run, "--tags", file)[1].strip() == "Nothing is in doubt."
    # A box that the run was told already settles nothing.
    before = labels_of(run)
    BOXES.put(before.volumes[1], [Box("kidney", (2, 2, 1), (5, 5, 1))])
    write_label_file(RunFolder(run).tags, before)
    assert "scan 1  kidney  1      box" in call("next", run, "--tags", file)[1]


def test_labels_that_are_counted_from_the_other_end_are_turned(call, run, tmp_path):
    write_label_file(RunFolder(run).tags, labels_of(run))
    now = labels_of(run)
    now.volumes[1].numbering = "slicer"  # the results are counted in the order of the file
    CONFIRMED.confirm(now.volumes[1], "liver", [1])
    write_label_file(tmp_path / "now.json", now)
    out = call("next", run, "--tags", tmp_path / "now.json", "--volume", "scan 1", "--class", "liver")[1]
    assert [line.split()[3] for line in out.splitlines()[1:]] == ["1"]
    # Of a right-handed scan both counts are the same.
    before = load_run(run)
    save_run(run, replace(before, volumes=[replace(volume, one_order=True) for volume in before.volumes]))
    out = call("next", run, "--tags", tmp_path / "now.json", "--volume", "scan 1", "--class", "liver")[1]
    assert [line.split()[3] for line in out.splitlines()[1:]] == ["2"]


def test_what_the_run_does_not_have_is_named(call, run):
    code, _, err = call("next", run, "--class", "lung")
    assert code == 2
    assert "no class 'lung'" in err
    assert "liver" in err
    code, _, err = call("next", run, "--volume", "scan 9")
    assert code == 2
    assert "scan 2" in err


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "has no masks yet"),
        (
            [Error(code="no_tags", message="Nothing is tagged.", hint="Tag some slices."), Done(status="failed")],
            "failed",
        ),
        ([Done(status="cancelled")], "cancelled before there were masks"),
    ],
)
def test_a_run_without_masks_says_why_and_what_to_do(call, tmp_path, events, words):
    folder = tmp_path / "run-2"
    save_run(folder, RunDescription(volumes=[], classes=ClassTable.from_names(["liver"])))
    RunFolder(folder).events.write_text("".join(f"{encode(event)}\n" for event in events), "utf-8")
    code, _, err = call("next", folder)
    said = " ".join(err.split())
    assert code == 2
    assert words in said
    assert "weakmedsam run" in said
    assert "run-2" in said
    assert ("Tag some slices." in said) == (words == "failed")


def test_a_run_of_before_and_a_folder_that_is_none(call, run, tmp_path):
    for file in run.glob("results/*/quality.json"):
        data = json.loads(file.read_text("utf-8"))
        file.write_text(json.dumps({**data, "classes": {"liver": {"confidence": 0.4}}}), "utf-8")
    code, _, err = call("next", run)
    assert code == 2
    assert "quality.json" in err
    assert "Generate the masks again" in " ".join(err.split())
    (tmp_path / "empty").mkdir()
    code, _, err = call("next", tmp_path / "empty")
    assert code == 2
    assert "run.json" in err


def test_at_its_end_a_run_says_which_classes_have_no_mask_and_why(run, capsys):
    absent, unsaid = replace(TAGGED, slice_confidence=[1.0] * 4), ClassQuality(tagged=[], slice_confidence=[1.0] * 4)
    put(run, "002", {"liver": absent, "kidney": unsaid, "drawn": ClassQuality(slices=2)})
    list_results(RunFolder(run))
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3].startswith("scan 2: ")
    assert lines[-2:] == [
        "  without a mask (not in this volume, by its labels): liver",
        "  without a mask (nothing looked for or found): kidney",
    ]
