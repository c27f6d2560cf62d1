"""Rows of the benchmark of labels in which a reader corrects: which slices, what an update is given, what is scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from faults.label_bench import TWO, make_bench, updating
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME, QUICK

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.quality import ClassQuality
from WeakMedSAMLib.contract.runs import load_run
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies import label_runs
from WeakMedSAMLib.studies.corrections import CHOICES, at_random, proposed
from WeakMedSAMLib.studies.label_rows import ROWS, row_named

ROW = ("corrected-proposed", "corrected-random", "corrected-pasted")
LEAST_SURE = 4  # of the slices of every scan


def tagged(count, n_slices=60, first=10):
    labels = VolumeLabels("scan", n_slices=n_slices)
    labels.tag_range("liver", first, first + count - 1)
    return labels


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (9, 1), (19, 1), (20, 2), (45, 4)])
def test_at_most_a_tenth_of_the_positive_slices_is_corrected_and_at_least_one(count, expected):
    quality = {"liver": ClassQuality(slice_confidence=[0.5] * 60)}
    for choose in CHOICES.values():
        found = choose(tagged(count), quality, 0)
        assert len(found) == len(set(found)) == expected
        assert all(10 <= index < 10 + count for index in found)


def test_positive_is_a_slice_that_shows_any_class_and_of_none_nothing_is_corrected():
    labels = tagged(12)
    labels.tag_range("spleen", 30, 41)
    assert len(proposed(labels, {}, 0)) == 2
    assert at_random(VolumeLabels("scan", n_slices=8), {}, 0) == proposed(VolumeLabels("scan", n_slices=8), {}, 0) == []


def test_proposed_are_the_first_of_the_list_that_are_positive():
    confidence = [1.0] * 60
    confidence[5], confidence[20], confidence[22], confidence[15] = 0.1, 0.3, 0.2, 0.9
    quality = {"liver": ClassQuality(slice_confidence=confidence, present_without_mask=[15])}
    assert proposed(tagged(30), quality, 0) == [15, 22, 20]
    # Nobody doubts more of them.
    assert proposed(tagged(45), quality, 0) == [15, 22, 20, 10]


def test_chance_can_be_repeated_and_is_another_by_seed_and_scan():
    labels, other = tagged(45), tagged(45)
    other.name = "other"
    assert at_random(labels, {}, 0) == at_random(labels, {}, 0)
    assert len({tuple(at_random(one, {}, seed)) for one in (labels, other) for seed in (0, 1)}) == 4


@pytest.fixture
def bench(tmp_path, method, monkeypatch):
    """As that of `label_bench`; an update pastes what is drawn, and removes a piece of the mask on all other slices."""
    made = make_bench(tmp_path, method, monkeypatch)
    made.generated_and_updated, made.updates = updating(made.run, LEAST_SURE)
    made.corrected = lambda *names, **options: made.go(*names, **{"run": made.generated_and_updated, **options})
    return made


def test_each_volume_is_updated_alone_from_the_model_with_box_tags_and_drawn_slices(bench):
    (report,) = bench.corrected("corrected-proposed", labels=TWO, overrides=(("rounds", 1),))
    assert report["status"] == "ok", report["reason"]
    assert len(bench.runs) == 1
    assert [run.volumes[0].name for run, _ in bench.updates] == [f"secret{number}" for number in range(4)]
    boxed = {volume.name: volume for volume in bench.runs[0].labels.volumes}
    for run, said in bench.updates:
        settings = run.settings
        assert (settings.update, settings.train, settings.overrides) == (True, False, {"rounds": 1})
        assert Path(settings.model) == bench.runs[0].path / "model"
        assert BOXES.marks(said) == BOXES.marks(boxed[said.name])
        assert [list(PAINTED.slices(said, name)) for name in ("ball", "rod")] == [[LEAST_SURE], [LEAST_SURE]]


def test_it_is_scored_on_all_slices_and_without_those_drawn_after_and_before(bench):
    _, report = bench.corrected("box", "corrected-proposed")
    box, _ = (json.loads((bench.of_the_set / f"{name}-seed0.json").read_text()) for name in ("box", ROW[0]))
    for one, generated in zip(report["patients"], box["patients"], strict=True):
        assert one["marked_slices"] == 1
        assert one["before"] == generated["dice"]
        assert one["dice_elsewhere"] < one["before_elsewhere"] < 1
        assert one["dice"] > one["dice_elsewhere"]
    assert set(report["classes"]["ball"]) == {"dice", "dice_elsewhere", "before", "before_elsewhere"}
    assert "before" not in box["patients"][0]
    assert (report["run_seconds"], report["seconds_by_stage"]) == (8.0, {"update": 6.0})


def test_rows_go_on_from_one_run_of_boxes_and_nothing_but_reports_is_left(bench):
    reports = bench.corrected("box", *ROW, seeds=(0, 1))
    assert [report["status"] for report in reports] == ["ok"] * 8
    assert [one.run.settings.seed for one in bench.runs] == [0, 1]
    assert len(bench.updates) == 2 * 3 * 4
    names = [f"{name}-seed{seed}.json" for name in ("box", *ROW) for seed in (0, 1)]
    assert [path.name for path in sorted(bench.of_the_set.iterdir())] == sorted([*names, "set.json"])


def test_nothing_learned_is_a_setting_of_the_update_alone_and_kept_with_the_report(bench):
    proposed, pasted = bench.corrected("corrected-proposed", "corrected-pasted")
    assert bench.runs[0].run.settings.overrides == {}
    overrides = [run.settings.overrides for run, _ in bench.updates]
    assert overrides == [*[{}] * 4, *[{"update_steps": 0}] * 4]
    assert (proposed["settings"], pasted["settings"]) == ({}, {"update_steps": 0})
    first, second = ([PAINTED.said(said) for _, said in part] for part in (bench.updates[:4], bench.updates[4:]))
    assert first == second
    bench.corrected("corrected-proposed", "corrected-pasted")
    assert len(bench.updates) == 8


def test_at_random_other_slices_are_drawn_of_the_same_number(bench):
    bench.corrected("corrected-random", seeds=(0, 1, 2))
    drawn = [list(PAINTED.slices(said, "ball")) for _, said in bench.updates]
    assert all(len(slices) == 1 for slices in drawn)
    assert len({slices[0] for slices in drawn}) > 1


def test_a_finished_row_of_boxes_is_generated_again_for_corrections_alone(bench):
    (box,) = bench.corrected("box")
    (report,) = bench.corrected("corrected-proposed")
    assert len(bench.runs) == 2
    assert [one["before"] for one in report["patients"]] == [one["dice"] for one in box["patients"]]
    assert bench.corrected("box", "corrected-proposed") == [box, report]
    assert len(bench.runs) == 2


def test_an_update_that_fails_is_told_and_the_run_of_boxes_is_removed_all_the_same(bench):
    def failing(path, **arguments):
        if load_run(path).settings.update:
            raise UserError("disk_full", "There is no room.", "Make some.")
        return bench.generated_and_updated(path, **arguments)

    reports = bench.corrected("corrected-proposed", "tags", run=failing)
    assert [report["status"] for report in reports] == ["failed", "ok"]
    assert not (bench.of_the_set / "work").exists()
    with pytest.raises(KeyboardInterrupt):
        bench.corrected("corrected-proposed", run=lambda path, **_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert not (bench.of_the_set / "work").exists()


def test_every_tenth_slice_is_drawn_from_the_start_and_counts_as_drawn(bench):
    (report,) = bench.go("drawn-tenth", labels=TWO)
    for volume in bench.runs[0].labels.volumes:
        assert [list(PAINTED.slices(volume, name)) for name in ("ball", "rod")] == [[4], [5]]
        assert not BOXES.marks(volume)
    assert "labels/000.nrrd" in bench.runs[0].files
    assert [one["marked_slices"] for one in report["patients"]] == [1] * 8


def test_effects_get_what_is_drawn_and_no_run(bench, monkeypatch):
    given = []

    def masks(effect, case, labels, classes, work):
        given.append((effect, labels))
        return {entry.name: case.labels() == entry.label_value for entry in classes}

    monkeypatch.setattr(label_runs, "masks_without_learning", masks)
    reports = bench.go("fill-between-slices", "grow-from-seeds", labels=TWO)
    assert bench.runs == []
    assert [effect for effect, _ in given] == ["fill-between-slices"] * 4 + ["grow-from-seeds"] * 4
    assert [list(PAINTED.slices(labels, "rod")) for _, labels in given] == [[5]] * 8
    assert all(one["dice"] == one["dice_elsewhere"] == 1 for report in reports for one in report["patients"])


def test_corrected_rows_go_on_from_a_row_of_all_volumes_that_there_is():
    for row in (row for row in ROWS if row.corrects):
        base = row_named(row.corrects)
        assert row.gesture == base.gesture
        assert not any((base.corrects, base.in_a_third, base.bound, base.effect))
        assert row.chosen in CHOICES
    assert all(row.draws for row in ROWS if row.effect)


def test_the_default_method_is_updated_by_what_was_drawn_and_the_masks_there_get_better(tmp_path, method, monkeypatch):
    bench = make_bench(tmp_path, method, monkeypatch)

    def run(path, cache_root):
        return run_folder(path, cache_root=cache_root)

    with one_thread():
        overrides = tuple({**QUICK, "update_steps": 2}.items())
        options = {"cases": 2, "labels": "rod=2", "backbone": NAME, "overrides": overrides}
        reports = bench.go("corrected-proposed", "corrected-pasted", run=run, **options)
    assert [report["status"] for report in reports] == ["ok", "ok"], reports
    for report in reports:
        assert all(one["dice"] > one["before"] for one in report["patients"])
    found = [[one["dice_elsewhere"] for one in report["patients"]] for report in reports]
    assert found[0] != found[1]
