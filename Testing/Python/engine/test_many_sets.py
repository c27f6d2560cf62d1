"""Accuracy on many sets: each run once, failures told, and one table of all in the page of figures."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import torch
from faults.tiny_bench import one_thread

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json, write_json
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies.accuracy import measure_accuracy
from WeakMedSAMLib.studies.many_sets import ScanSet, SetsOptions, class_dice, finished_sets, read_sets, run_sets
from WeakMedSAMLib.studies.sets_report import mixed_settings, scores_table, section, write_section

GEOMETRY = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (20, 24, 8))


def write_case(folder, number):
    folder.mkdir(exist_ok=True)
    k, j, i = np.mgrid[:8, :24, :20]
    ball = ((k - 3.5) / 2) ** 2 + ((j - 12) / 5) ** 2 + ((i - 9) / 5) ** 2 < 1
    array = (np.random.default_rng(number).normal(100, 20, ball.shape) + 400 * ball).astype(np.int16)
    sitk.WriteImage(GEOMETRY.image(array), str(folder / f"case{number}_image.nii.gz"))
    sitk.WriteImage(GEOMETRY.image(ball.astype(np.uint8)), str(folder / f"case{number}_mask.nii.gz"))


@pytest.fixture
def bench(tmp_path):
    """Sets of which a report is made up, other for each set, way, seed and thread count; keeps what is asked for."""
    asked_for = []

    def measure(asked, file):
        if asked.folder.name == "nowhere":
            return measure_accuracy(asked, file)
        asked_for.append((asked.folder.name, asked.folds, asked.seed))
        dice = (
            0.9
            - 0.04 * (torch.get_num_threads() == 2)
            - 0.1 * asked.seed
            - 0.2 * bool(asked.folds)
            - 0.04 * (asked.folder.name == "others")
        )
        scores = {
            "patient_dice_mean": dice,
            "patient_dice_interval": [dice - 0.1, dice + 0.1],
            "confidence": {"error": 0.05, "concordance": None},
            "patients": [{"case": f"{n}", "class": "ball", "low_confidence": n > 1} for n in range(3)],
        }
        return {"cases": 3, "total_seconds": 12.3, "tagged": scores, "untagged": scores if asked.folds else None}

    def run(sets, ways=("tagged",), seeds=(0,), **options):
        told = []
        common = SetsOptions(tmp_path, **options)
        reports = run_sets(common, sets, ways, seeds, tmp_path / "out", told.append, measure)
        return reports, told

    run.asked_for, run.out = asked_for, tmp_path / "out"
    with one_thread():
        yield run


BALLS, OTHERS = ScanSet("balls", "ball=1", group="chosen on"), ScanSet("others", "ball=1", group="kept aside")


def test_a_report_of_real_runs_is_kept_and_told(tmp_path, method, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number in range(2):
        write_case(tmp_path / "balls", number)

    def measure(asked, file):
        # The few-line method has no stages that could be compared with masks.
        runner = partial(run_folder, **method.arguments)
        return measure_accuracy(replace(asked, diagnose=False), file, runner=runner)

    (report,) = run_sets(SetsOptions(tmp_path, folds=2), [BALLS], ["folds"], [0], tmp_path / "out", measure=measure)
    assert 0.5 < class_dice(report)["ball"] < 1
    assert report["settings"]["folds"] == 2
    assert report["machine"]["threads"] == torch.get_num_threads()
    assert [run["sub_classes"] for run in report["accuracy"]["runs"]] == [{}, {}]  # this method has none
    assert finished_sets([BALLS], tmp_path / "out") == [report]
    assert run_sets(SetsOptions(tmp_path, folds=2), [BALLS], ["folds"], [0], tmp_path / "out", measure=None) == [report]


def test_what_is_finished_is_not_measured_again_and_the_rest_is(bench):
    bench([BALLS])
    before, told = bench([BALLS, OTHERS], seeds=(0, 1))
    assert bench.asked_for == [("balls", None, 0), ("others", None, 0), ("balls", None, 1), ("others", None, 1)]
    again, _ = bench([BALLS, OTHERS], seeds=(0, 1))
    assert again == before
    assert len(bench.asked_for) == 4
    assert any("others, tagged, seed 1: patient Dice ball 0.760; 12 s" in line for line in told)


def test_a_finished_report_of_other_settings_is_named_and_never_replaced(bench):
    (report,), _ = bench([BALLS])
    file = bench.out / "balls" / "tagged-seed0.json"
    for options, words in (
        ({"preset": "paper"}, "preset is fast, not paper"),
        ({"backbone": "mobilesam"}, "backbone is litemedsam, not mobilesam"),
        ({"overrides": (("objects", False),)}, "overrides is {}, not {'objects': False}"),
    ):
        with pytest.raises(UserError, match="balls") as caught:
            bench([OTHERS, BALLS], **options)
        assert caught.value.code == "other_settings"
        assert str(file) in caught.value.message
        assert words in caught.value.message
    for other in (replace(BALLS, stride=2), replace(BALLS, axis="i"), replace(BALLS, labels="ball=2")):
        with pytest.raises(UserError, match="is a finished report of other settings"):
            bench([other], seeds=(1,))  # which would stand beside that of seed 0
    bench([BALLS], ways=("folds",))
    with pytest.raises(UserError, match="folds is 3, not 5"):
        bench([BALLS], ways=("folds",), folds=5)
    assert read_json(file) == report
    assert len(bench.asked_for) == 2
    assert not (bench.out / "others").exists()  # nothing is begun by what is refused


def test_a_folder_that_was_begun_with_other_options_is_refused_before_anything_is_finished(bench):
    bench([ScanSet("nowhere", "1")])
    with pytest.raises(UserError, match="holds reports of other options: preset is fast, not paper") as caught:
        bench([ScanSet("nowhere", "1")], preset="paper")
    assert caught.value.code == "other_grid"


def test_a_setting_that_a_report_does_not_name_was_as_it_is_usually(bench):
    bench([BALLS])
    file = bench.out / "balls" / "tagged-seed0.json"
    kept = read_json(file)
    del kept["settings"]["layout"]
    write_json(file, kept)
    bench([BALLS])
    assert len(bench.asked_for) == 1
    assert mixed_settings([kept]) == []


def test_reports_of_other_thread_counts_lie_beside_each_other_and_their_spread_is_told(bench):
    reports, _ = bench([BALLS], seeds=(0, 1))
    more, told = bench([BALLS], threads=(1, 2))
    assert [path.name for path in sorted((bench.out / "balls").iterdir())] == [
        "set.json",
        "tagged-seed0.json",
        "tagged-seed0_threads2.json",
        "tagged-seed1.json",
    ]
    assert more[0] == reports[0]  # of one thread, too
    assert told[0] == "balls, tagged, seed 0, 1 thread: finished before"
    assert torch.get_num_threads() == 1
    (line,) = [line for line in scores_table(finished_sets([BALLS], bench.out)).splitlines() if "| balls" in line]
    assert "| 0, 1 | 1, 2 | ball 0.853 (0.800-0.900) | 0.853 (0.800-1.000) | 0.100 |" in line


def test_what_reports_in_a_table_differ_in_is_told_below_it(bench):
    reports, _ = bench([BALLS, OTHERS], seeds=(0, 1))
    assert mixed_settings(reports) == []
    assert "Settings differ" not in section(reports)
    seconds = reports[2:]
    seconds[0]["settings"] |= {"preset": "paper", "stride": 2}
    seconds[1]["versions"]["weakmedsam"] = "0.0.9"
    told = section(reports)
    assert "- balls, tagged, seed 1: preset is paper, not fast; stride is 2, not 1\n" in told
    assert "; WeakMedSAM 0.0.9, torch " in told
    assert told.index("Settings differ") < told.index("Where masks are lost")


def test_a_set_that_fails_says_why_and_the_others_go_on(bench):
    reports, told = bench([ScanSet("nowhere", "1"), BALLS])
    assert [report["status"] for report in reports] == ["failed", "ok"]
    assert any("nowhere" in line and "failed" in line and "holds no scans with masks" in line for line in told)
    assert finished_sets([BALLS], bench.out) == reports[1:]


def test_the_table_has_seeds_folds_and_means_by_group(bench):
    reports, _ = bench([BALLS, OTHERS], ways=("tagged", "folds"), seeds=(0, 1))
    lines = {line.split(" | ")[0][2:]: line.split(" | ") for line in scores_table(reports).splitlines()[2:]}
    assert lines["balls"][1:6] == ["3", "0, 1", "1", "ball 0.850 (0.800-0.900)", "0.850 (0.800-1.000)"]
    assert lines["balls"][6:] == ["0.100", "0.650", "0.050", "-", "1 of 3", "12 |"]
    assert lines["others"][5:8] == ["0.810 (0.760-0.960)", "0.100", "0.610"]
    assert lines["**mean, all**"][5:8] == ["0.830", "", "0.630"]
    assert {"**mean, chosen on**", "**mean, kept aside**"} <= {*lines}


def test_tables_take_their_place_in_the_page_and_leave_the_rest(bench, tmp_path):
    reports, _ = bench([BALLS])
    page = tmp_path / "figures.md"
    page.write_text("# Figures\n\n## All sets\n\noutdated\n\n## Time\n\nkept\n", encoding="utf-8")
    write_section(reports, tmp_path)
    once = page.read_text(encoding="utf-8")
    assert once.startswith("# Figures\n\n## All sets\n")
    assert once.endswith("\n\n## Time\n\nkept\n")
    assert "outdated" not in once
    write_section(reports, tmp_path)
    assert page.read_text(encoding="utf-8") == once
    assert section(reports).strip() in once
    with pytest.raises(UserError, match="No set of the benchmark is finished"):
        write_section([], tmp_path)


def test_losses_are_told_by_class_and_stage(bench):
    (report,), _ = bench([BALLS])
    found = {
        "dice": {"evidence": 0.5, "objects": None, "pseudo-mask": 0.7, "network": 0.72, "mean": 0.71, "mask": 0.7},
        "peak_inside": 0.25,
        "lost": {"wrong extent": 0.1, "wrong place": 0.2, "threshold": 0.0},
    }
    report["accuracy"]["diagnosis"] = {"tagged": {"ball": found}}
    report["accuracy"]["runs"] = [{"sub_classes": {"ball": 3}}, {"sub_classes": {"ball": 1}}]
    row = "| balls | ball | 1, 3 | 0.50 | - | 0.70 | 0.72 | 0.71 | 0.70 | 0.25 | wrong place 0.20, wrong extent 0.10 |"
    assert row in section([report])


def test_a_list_of_sets_is_read_and_its_faults_are_named(tmp_path):
    file = tmp_path / "sets.csv"
    file.write_text('set,labels,axis,stride,cases,group\nliver,"a=1,b=2",i,2,12,kept\nspine,1,,,,\n', encoding="utf-8")
    assert read_sets(file) == [ScanSet("liver", "a=1,b=2", "i", 2, 12, "kept"), ScanSet("spine", "1")]
    for text, fault in [
        ("folder,labels\nliver,1\n", "has the columns folder, labels"),
        ("", "has the columns none"),
        ("set,labels\nliver,\n", "line 2: set=liver, labels= is no set"),
        ("set,labels,stride\nliver,1,0\n", "stride=0 is no set"),
        ("set,labels,stride\nliver,1,two\n", "stride=two is no set"),
        ("set,labels,axis\nliver,1,z\n", "axis=z is no set"),
    ]:
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UserError, match=fault) as caught:
            read_sets(file)
        assert caught.value.code == "bad_sets"


def test_the_command_refuses_a_set_that_the_list_lacks(call, tmp_path):
    file = tmp_path / "sets.csv"
    file.write_text("set,labels\nliver,1\n", encoding="utf-8")
    code, _out, told = call("benchmark", "sets", file, "--data", tmp_path, "--only", "spleen")
    assert code == 2
    assert "sets.csv has no set spleen. It has liver." in " ".join(told.split())
