"""The benchmark of labels: resumed row by row, nothing of the truth but the label file in a run."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from faults.label_bench import TWO, make_bench
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME, QUICK

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Stage
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.engine.data.volumes import read_labels
from WeakMedSAMLib.engine.methods.registry import choose_settings
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies import label_benchmark, label_runs
from WeakMedSAMLib.studies.bound import _train_supervised
from WeakMedSAMLib.studies.label_benchmark import outcome_line, run_rows
from WeakMedSAMLib.studies.label_report import page
from WeakMedSAMLib.studies.label_rows import ROWS, chosen_rows, row_named
from WeakMedSAMLib.studies.reader import cases_of_part
from WeakMedSAMLib.studies.resumable import kept_reports


@pytest.fixture
def bench(tmp_path, method, monkeypatch):
    return make_bench(tmp_path, method, monkeypatch)


def test_every_row_and_seed_gets_a_file_with_scores_and_time_and_nothing_else_is_left(bench):
    bench.go("tags", "box", seeds=(0, 1))
    names = [path.name for path in sorted(bench.of_the_set.iterdir())]
    assert names == ["box-seed0.json", "box-seed1.json", "set.json", "tags-seed0.json", "tags-seed1.json"]
    report = json.loads((bench.of_the_set / "box-seed1.json").read_text(encoding="utf-8"))
    assert (report["status"], report["seed"], report["volumes"]) == ("ok", 1, 4)
    assert 0.5 < report["classes"]["ball"]["dice"] < 1
    assert [one["marked_slices"] for one in report["patients"]] == [1] * 4
    assert report["run_seconds"] >= 0
    assert set(report["seconds_by_stage"]) == {f"bright-{number:03d}" for number in range(4)}
    assert str(bench.folder.parent) not in json.dumps(report)


def test_a_run_gets_scans_and_the_readers_labels_and_nothing_else(bench):
    bench.go("tags", "side", "point", "box", labels=TWO, sides="rod=left")
    tags, side, point, box = bench.runs
    for one in bench.runs:
        assert one.files == ["run.json", "tags.json", *(f"volumes/{number:03d}.nrrd" for number in range(4))]
        assert one.run.settings.preset == "fast"
        assert one.labels.classes == one.run.classes
    assert [entry.known.side for entry in side.run.classes] == [None, "left"]
    assert not any(entry.known.is_said for one in (tags, point, box) for entry in one.run.classes)
    assert not any(volume.further for one in (tags, side) for volume in one.labels.volumes)
    for one, kind in ((point, POINTS), (box, BOXES)):
        assert all(set(volume.further) == {kind.name} for volume in one.labels.volumes)
        assert all(kind.marks(volume, name) for volume in one.labels.volumes for name in ("ball", "rod"))


def test_seeds_are_those_of_reader_and_run(bench):
    bench.go("box", seeds=(0, 7))
    assert [one.run.settings.seed for one in bench.runs] == [0, 7]
    assert bench.runs[0].labels != bench.runs[1].labels


def test_no_mask_is_read_between_the_start_of_a_run_and_its_end(bench, method):
    hidden = bench.folder.parent / "hidden"

    def hide(event):
        if isinstance(event, Stage) and not hidden.exists():
            hidden.mkdir()
            for path in bench.folder.glob("*_mask.nii.gz"):
                path.rename(hidden / path.name)

    method.arguments["report"] = hide
    (report,) = bench.go("box")
    assert report["status"] == "failed"
    assert "secret0_mask" in report["reason"]
    assert bench.method.computed == [f"{number:03d}" for number in range(4)]


def test_masks_that_give_the_same_labels_give_the_same_result(bench, tmp_path):
    found = []

    def keep(path, **arguments):
        done = bench.run(path, **arguments)
        found.append([read_labels(file)[0] for file in sorted(path.glob("results/*/labels.nrrd"))])
        return done

    (first,) = bench.go("box", run=keep)
    for path in bench.folder.glob("*_mask.nii.gz"):
        labels, geometry = read_labels(path)
        ball = labels == 1
        # A hollow ball has the same slices, areas in the same order, and the same outline.
        labels[:, 10:18, 9:15][ball[:, 10:18, 9:15]] = 0
        sitk.WriteImage(geometry.image(labels), str(path))
    (bench.of_the_set / "box-seed0.json").unlink()
    (second,) = bench.go("box", run=keep)
    assert bench.runs[0].labels == bench.runs[1].labels
    assert all(np.array_equal(*pair) for pair in zip(*found, strict=True))
    assert len(found[0]) == 4
    assert first["classes"] != second["classes"]


def test_a_finished_row_is_never_run_again_and_its_masks_are_not_even_looked_at(bench):
    first = bench.go("tags", "box")
    for path in bench.folder.glob("*_mask.nii.gz"):
        path.write_bytes(b"")
    assert bench.go("tags", "box") == first
    assert len(bench.runs) == 2
    assert bench.told[-1] == "box, seed 0: finished before"


def test_what_was_broken_off_goes_on_with_the_row_that_is_missing(bench):
    def broken_off(path, **arguments):
        if bench.runs:
            raise KeyboardInterrupt
        return bench.run(path, **arguments)

    with pytest.raises(KeyboardInterrupt):
        bench.go("tags", "box", run=broken_off)
    assert [path.name for path in sorted(bench.of_the_set.iterdir())] == ["set.json", "tags-seed0.json"]
    assert [report["status"] for report in bench.go("tags", "box")] == ["ok", "ok"]
    assert len(bench.runs) == 2


def test_what_a_killed_run_left_is_removed_and_not_taken_over(bench):
    left = bench.of_the_set / "work" / "tags-seed0" / "run-0123456789ab"
    left.mkdir(parents=True)
    (left / "patient.nrrd").write_bytes(b"")
    bench.go("tags")
    assert [path.name for path in sorted(bench.of_the_set.iterdir())] == ["set.json", "tags-seed0.json"]


def test_a_row_that_fails_says_why_the_others_go_on_and_it_is_tried_again(bench):
    def failing(path, **arguments):
        if len(bench.runs) == 1:
            bench.runs.append(None)
            raise UserError("disk_full", "There is no room.", "Make some.")
        return bench.run(path, **arguments)

    reports = bench.go("tags", "box", "point", run=failing)
    assert [report["status"] for report in reports] == ["ok", "failed", "ok"]
    assert "There is no room." in outcome_line(reports[1])
    assert "balls and rods, box, seed 0: There is no room." in page(reports)
    assert [report["status"] for report in bench.go("tags", "box", "point")] == ["ok", "ok", "ok"]
    assert len(bench.runs) == 4


def test_rows_of_other_options_do_not_mix(bench):
    bench.go("tags")
    for options in ({"stride": 2}, {"overrides": (("rounds", 1),)}, {"sides": "ball=left"}):
        with pytest.raises(UserError) as caught:
            bench.go("tags", **options)
        assert caught.value.code == "other_grid"


def test_the_other_thirds_are_scored_over_three_runs(bench):
    (report,) = bench.go("box-third", seeds=(4,))
    assert len(bench.runs) == 3
    boxed = [{volume.name for volume in one.labels.volumes if BOXES.marks(volume)} for one in bench.runs]
    assert sorted(map(len, boxed)) == [1, 1, 2]
    scored = [one["case"] for one in report["patients"]]
    expected = [f"secret{number}" for names in boxed for number in range(4) if f"secret{number}" not in names]
    assert scored == expected
    assert all(one["marked_slices"] == 0 for one in report["patients"])


def test_rows_are_chosen_by_patterns_and_sides_only_where_they_are_known():
    assert [row.name for row in chosen_rows("tags,box*", False)] == [
        "tags", "box", "box-third", "box-3d", "box-every-slice",
    ]  # fmt: skip
    assert chosen_rows(None, True, parts=True) == list(ROWS)
    assert chosen_rows(None, True) == [row for row in ROWS if not row.name.startswith("without-")]
    assert [row for row in ROWS if row not in chosen_rows(None, False, parts=True)] == [row_named("side")]
    for pattern, code in (("no-such", "no_such_cell"), ("side", "bad_benchmark")):
        with pytest.raises(UserError) as caught:
            chosen_rows(pattern, False)
        assert caught.value.code == code


def test_each_row_without_a_part_changes_one_setting_and_is_compared_with_the_row_that_has_it():
    for row in (row for row in ROWS if row.against):
        ((name, value),) = row.overrides.items()
        assert value != getattr(choose_settings("fast"), name)
        assert choose_settings("fast", row.overrides)
        full = row_named(row.against)
        assert (row.gesture, row.in_a_third) == (full.gesture, full.in_a_third)


def test_a_row_without_a_part_gives_its_setting_to_the_run(bench):
    bench.go("box", "without-handing-on", overrides=(("rounds", 1),))
    assert [one.run.settings.overrides for one in bench.runs] == [{"rounds": 1}, {"rounds": 1, "handing_on": False}]
    assert bench.runs[0].labels == bench.runs[1].labels


def test_the_command_measures_resumes_and_writes_the_page(call, bench, tmp_path, monkeypatch):
    monkeypatch.setattr(label_benchmark, "run_rows", partial(run_rows, run=bench.run))
    common = ("benchmark", "labels", bench.folder, "--out", bench.out, "--labels", "ball=1", "--device", "cpu")
    code, out, _ = call(*common, "--rows", "tags,box", "--seeds", "0,1", "--set", "rounds=1")
    assert code == 0
    assert "| tags, and a box a class and volume | 0." in out
    assert len(kept_reports(bench.out)) == 4
    code, out, _ = call(*common, "--rows", "tags", "--set", "rounds=1")
    assert (code, "tags, seed 0: finished before" in out) == (0, True)
    code, out, _ = call(*common, "--write-docs", tmp_path / "docs")
    assert (tmp_path / "docs" / "label_kinds.md").exists()
    code, out, _ = call(*common, "--list")
    assert "box-third" in out
    assert "side " not in out


def test_a_bound_is_given_true_masks_of_a_third_and_the_others_are_scored(bench):
    taught = []

    def run(path, method, **arguments):
        taught.append(set(method.cases))
        return bench.run(path, **arguments)

    (report,) = bench.go("bound-third", run=run)
    cases = label_runs.Reading(bench.folder, "ball=1").found_cases()
    assert taught == [cases_of_part(cases, part, 0) for part in range(3)]
    assert len(report["patients"]) == 2 * 4
    bench.go("bound", run=run)
    assert taught[-1] == {case.name for case in cases}
    assert not any(volume.further for one in bench.runs for volume in one.labels.volumes)


def test_a_network_learns_the_true_masks_that_it_is_given_and_no_other(bench, monkeypatch):
    learned = set()

    def train(like, volumes, truths, settings, context):
        learned.update(truth.volume for truth in truths)
        return _train_supervised(like, volumes, truths, settings, context)

    def run(path, method, cache_root):
        first, _ = method.cases
        alone = replace(method, cases={first: method.cases[first]})
        return run_folder(path, cache_root=cache_root, method=alone)

    monkeypatch.setattr("WeakMedSAMLib.studies.bound._train_supervised", train)
    with one_thread():
        (report,) = bench.go("bound", run=run, cases=2, backbone=NAME, overrides=tuple(QUICK.items()))
    assert report["status"] == "ok", report["reason"]
    assert learned == {0}


def test_the_default_method_takes_boxes_and_its_result_is_scored(bench):
    def run(path, cache_root):
        return run_folder(path, cache_root=cache_root)

    with one_thread():
        (report,) = bench.go("box", run=run, cases=2, backbone=NAME, overrides=tuple(QUICK.items()))
    assert report["status"] == "ok", report["reason"]
    assert report["classes"]["ball"]["dice"] > 0.3
    assert all(0 < one["confidence"] <= 1 for one in report["patients"])
    assert "| tags, and a box a class and volume | balls and rods | 2 |" in page([report])
