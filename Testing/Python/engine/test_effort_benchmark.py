"""The benchmark of effort: resumed policy by policy, and nothing of the truth but the label file in a run."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from faults.label_bench import TWO, make_effort_bench, updating
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME, QUICK

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.engine.data.volumes import read_labels
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies import effort_benchmark, effort_runs
from WeakMedSAMLib.studies.effort_benchmark import outcome_line, run_policies
from WeakMedSAMLib.studies.effort_curves import steps_of
from WeakMedSAMLib.studies.effort_log import amounts_until, read_log
from WeakMedSAMLib.studies.effort_policies import POLICIES
from WeakMedSAMLib.studies.effort_prices import seconds_of
from WeakMedSAMLib.studies.effort_report import set_table
from WeakMedSAMLib.studies.resumable import kept_reports


@pytest.fixture
def bench(tmp_path, method, monkeypatch):
    return make_effort_bench(tmp_path, method, monkeypatch)


def test_every_policy_and_seed_gets_a_report_and_a_log_and_nothing_else_is_left(bench):
    tags, box = bench.go("tags", "box")
    names = [path.name for path in sorted(bench.of_the_set.iterdir())]
    assert names == [
        "box-seed0.json", "box-seed0.jsonl", "horizon.json", "set.json", "tags-seed0.json", "tags-seed0.jsonl",
    ]  # fmt: skip
    for report in (tags, box):
        log = read_log(bench.of_the_set / f"{report['policy']}-seed0.jsonl")
        (state,) = report["states"]
        assert state["gestures"] == amounts_until(log, 0)
        assert sum(one.seconds for one in log) == pytest.approx(seconds_of(state["gestures"]), abs=1e-2)
        assert 0.3 < np.mean([one["dice"] for one in state["patients"]]) < 1
        assert report["horizon"] == json.loads((bench.of_the_set / "horizon.json").read_text(encoding="utf-8"))
        assert str(bench.folder.parent) not in json.dumps(report)
    seconds = [seconds_of(one["states"][0]["gestures"]) for one in (tags, box)]
    assert seconds[0] < seconds[1] < seconds_of(tags["horizon"])


def test_a_run_gets_scans_and_the_readers_labels_and_nothing_else(bench):
    bench.go("tags", "side", "scribble", labels=TWO, sides="rod=left")
    for one in bench.runs:
        painted = [file for file in one.files if file.startswith("labels/")]
        assert [file for file in one.files if file not in painted] == [
            "run.json", "tags.json", *(f"volumes/{number:03d}.nrrd" for number in range(4)),
        ]  # fmt: skip
        assert len(painted) == (4 if any(PAINTED.said(volume) for volume in one.labels.volumes) else 0)
    assert [entry.known.side for entry in bench.runs[1].run.classes] == [None, "left"]
    assert bench.runs[0].labels.volumes == bench.runs[1].labels.volumes


def test_a_finished_policy_is_never_run_again_whatever_the_prices(bench, monkeypatch):
    first = bench.go("tags", "box", cases=1)
    for path in bench.folder.glob("*_mask.nii.gz"):
        path.write_bytes(b"")
    assert bench.go("tags", "box", cases=1) == first
    assert len(bench.runs) == 2
    assert bench.told[-1] == "box, seed 0: finished before"
    priced, doubled = (steps_of(first, prices)["box"] for prices in ("as in the table", "double"))
    assert doubled.seconds[0] == pytest.approx(2 * priced.seconds[0])
    assert doubled.dice == priced.dice


def test_what_was_broken_off_goes_on_and_what_failed_is_tried_again(bench):
    def failing(path, **arguments):
        if len(bench.runs) == 1:
            bench.runs.append(None)
            raise UserError("disk_full", "There is no room.", "Make some.")
        return bench.run(path, **arguments)

    reports = bench.go("tags", "box", "point", run=failing, cases=1)
    assert [report["status"] for report in reports] == ["ok", "failed", "ok"]
    assert "There is no room." in outcome_line(reports[1])
    assert [report["status"] for report in bench.go("tags", "box", "point", cases=1)] == ["ok"] * 3
    assert len(bench.runs) == 4
    with pytest.raises(UserError) as caught:
        bench.go("tags", stride=2, cases=1)
    assert caught.value.code == "other_grid"


def test_labels_that_the_method_refuses_leave_empty_masks_and_the_reason(bench):
    def refusing(path, **arguments):
        raise UserError("no_tags", "No volume has tags.", "Tag some.")

    path = bench.folder / "secret0_mask.nii.gz"
    labels, geometry = read_labels(path)
    labels[labels == 2] = 0
    sitk.WriteImage(geometry.image(labels), str(path))
    (report,) = bench.go("scan-tags", run=refusing, labels=TWO)
    (state,) = report["states"]
    assert (report["status"], state["refused"]) == ("ok", "No volume has tags.")
    # The one scan without a rod is right without a mask of it.
    assert [one["dice"] for one in state["patients"]] == [0.0, 1.0, *[0.0] * 6]


def test_a_policy_that_draws_has_a_state_each_and_pays_only_for_what_is_new(bench):
    (report,) = bench.go("drawn-slices", cases=2)
    first, second = (state["gestures"] for state in report["states"])
    assert [one.run.settings.seed for one in bench.runs] == [0, 0]
    assert second["range-end"] == first["range-end"]
    assert second["button"] == 2 * first["button"]
    assert second["review"] == first["review"] == 2 * 8
    assert second["outline"] >= first["outline"] > 0


def test_volumes_are_outlined_one_after_the_other(bench):
    (report,) = bench.go("drawn-volumes", seeds=(5,))
    said = [{volume.name for volume in one.labels.volumes if volume.is_said()} for one in bench.runs]
    assert [len(names) for names in said] == [1, 2]
    assert said[0] < said[1]
    assert report["states"][1]["gestures"]["outline"] < report["horizon"]["outline"]


def test_corrections_go_on_in_rounds_from_one_run_and_what_updates_spoil_is_paid(bench):
    run, updates = updating(bench.run, least_sure=4)
    (report,) = bench.go("corrected-proposed", run=run, cases=2)
    assert report["status"] == "ok", report["reason"]
    assert len(bench.runs) == 1
    assert len(updates) == 2 * 2
    slices = [list(PAINTED.slices(said, "ball")) for _, said in updates]
    assert all(4 in one for one in slices[:2])
    assert all(set(one) < set(other) and len(other) == 2 for one, other in zip(slices[:2], slices[2:], strict=True))
    assert all(BOXES.marks(said) for _, said in updates)
    before, first, second = (state["gestures"] for state in report["states"])
    assert "wait" not in before
    assert (first["wait"], second["wait"]) == (2, 4)
    assert first["handed-on"] > 0
    assert first["review"] == second["review"]
    assert [path.suffix for path in sorted(bench.of_the_set.iterdir())] == [".json", ".jsonl", ".json", ".json"]


def test_what_is_proposed_is_done_in_sittings_and_only_the_order_differs(bench):
    run, updates = updating(bench.run, least_sure=4)
    reports = bench.go("next", "next-least-sure", "next-random", run=run, cases=2)
    assert [report.get("reason") for report in reports] == [None] * 3
    # Two, four and then all that is left of the slices that are tagged present in two volumes.
    for report in reports:
        log = read_log(bench.of_the_set / f"{report['policy']}-seed0.jsonl")
        done = [one for one in log if one.gesture == "fine"]
        assert [sum(one.state == state for one in done) for state in range(4)] == [0, 2, 4, 3]
        assert len({(one.volume, one.index) for one in done}) == 9
        touched = [len({one.volume for one in done if one.state == state}) for state in range(4)]
        assert [state["gestures"].get("wait", 0) for state in report["states"]] == np.cumsum(touched).tolist()
        assert report["states"][0] == reports[0]["states"][0] | {"run_seconds": report["states"][0]["run_seconds"]}
    first, least, chance = (read_log(bench.of_the_set / f"{report['policy']}-seed0.jsonl") for report in reports)
    assert {one.index for one in first + least if one.gesture == "fine" and one.state == 1} == {4}
    assert {one.index for one in chance if one.gesture == "fine" and one.state == 1} != {4}
    # What was done in a sitting stays in the labels of the next one.
    of_one = [set(PAINTED.slices(said, "ball")) for _, said in updates if said.name == "secret0"][:2]
    assert of_one[0] < of_one[-1]


def test_effects_get_what_is_drawn_and_ten_readers_that_differ_need_no_run(bench, monkeypatch):
    given = []

    def masks(effect, case, labels, classes, work):
        given.append(labels)
        return {entry.name: case.labels() == entry.label_value for entry in classes}

    monkeypatch.setattr(effort_runs, "masks_without_learning", masks)
    reports = bench.go("fill", seeds=None, cases=1)
    assert [report["seed"] for report in reports] == list(range(10))
    assert bench.runs == []
    assert all(one["dice"] == 1 for report in reports for state in report["states"] for one in state["patients"])
    assert not any((labels.state("ball") >= 0).any() for labels in given)
    assert all(report["states"][0]["gestures"]["button"] == 1 for report in reports)


def test_in_full_the_network_is_given_true_masks_and_the_label_file_has_tags_alone(bench):
    taught = []

    def run(path, method, **arguments):
        taught.append(set(method.cases))
        return bench.run(path, **arguments)

    (report,) = bench.go("outlined", run=run)
    assert taught == [{f"secret{number}" for number in range(4)}]
    assert not any(volume.further for volume in bench.runs[0].labels.volumes)
    assert report["states"][0]["gestures"] == report["horizon"]


def test_the_command_lists_measures_resumes_and_writes_the_page(call, bench, tmp_path, monkeypatch):
    monkeypatch.setattr(effort_benchmark, "run_policies", partial(run_policies, run=bench.run))
    common = ("benchmark", "effort", bench.folder, "--out", bench.out, "--labels", "ball=1", "--device", "cpu")
    code, out, _ = call(*common, "--policies", "tags,box")
    assert (code, "| tags, and a box a class and volume | " in out) == (0, True)
    assert len(kept_reports(bench.out)) == 2
    code, out, _ = call(*common, "--policies", "tags")
    assert (code, "tags, seed 0: finished before" in out) == (0, True)
    code, out, _ = call(*common, "--write-docs", tmp_path / "docs")
    assert sorted(path.name for path in (tmp_path / "docs").iterdir()) == ["effort.md", "effort.svg"]
    code, out, _ = call(*common, "--list")
    assert "corrected-proposed" in out


@pytest.mark.soak
def test_the_default_method_takes_whatever_a_reader_says_and_its_results_are_scored(bench):
    def run(path, cache_root, **method):
        return run_folder(path, cache_root=cache_root, **method)

    with one_thread():
        overrides = tuple({**QUICK, "update_steps": 2}.items())
        options = {"cases": 3, "labels": TWO, "sides": "rod=left", "backbone": NAME, "overrides": overrides}
        reports = bench.go(*(policy.name for policy in POLICIES), run=run, **options)
    assert [(report["policy"], report.get("reason")) for report in reports if report["status"] != "ok"] == []
    for policy, report in zip(POLICIES, reports, strict=True):
        several = policy.every or policy.shares or policy.corrects or policy.follows
        found, most = len(report["states"]), len(policy.states) if several else 1
        # Of what is proposed nothing may be left.
        assert found == most or (policy.follows and 1 < found < most), policy.name
    refused = {report["policy"] for report in reports if any(state["refused"] for state in report["states"])}
    assert refused <= {"scan-tags"}
    found = steps_of(reports)
    assert found["outlined"].seconds[-1] == pytest.approx(found["outlined"].horizon)
    assert found["drawn-volumes"].mean_dice[1] > found["drawn-volumes"].mean_dice[0]
    assert "| tags, and a box on every slice |" in set_table(reports)
