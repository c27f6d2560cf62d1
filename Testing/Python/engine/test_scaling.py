"""Scaling: cohorts made by rule, the fit on powers that are known, and a tiny plan from end to end."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from faults.tiny_bench import one_thread
from faults.tiny_run import QUICK as QUICK_SETTINGS

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.engine.data.volumes import read_volume
from WeakMedSAMLib.studies import scaling
from WeakMedSAMLib.studies.commands import benchmark
from WeakMedSAMLib.studies.complexity_report import PAGE, write_growth, write_page
from WeakMedSAMLib.studies.counting import apart
from WeakMedSAMLib.studies.filter_backbone import NAME
from WeakMedSAMLib.studies.growth import fit_growth
from WeakMedSAMLib.studies.made_scans import Size, made_volume, make_cohort
from WeakMedSAMLib.studies.scaling import FIGURES, FULL, QUICK, Plan, measure_scaling, measured_run
from WeakMedSAMLib.studies.scaling_report import _NOTES, HEADING, section

SMALL = Size(slices=6, volumes=2, classes=1, edge=40)


@pytest.mark.parametrize(("factor", "exponent"), [(3.0, 1.0), (0.02, 2.0), (7.0, 0.0), (40.0, -0.5)])
def test_exact_powers_are_found(factor, exponent):
    sizes = [8, 16, 32, 64, 128]
    found = fit_growth(sizes, [factor * n**exponent for n in sizes])
    assert (found.factor, found.exponent, found.last) == pytest.approx((factor, exponent, exponent))
    assert found.error == pytest.approx(0, abs=1e-9)


def test_the_standard_error_is_that_of_a_straight_line():
    scipy_stats = pytest.importorskip("scipy.stats")
    sizes, seconds = [1, 2, 4, 8, 16], [1.3, 1.9, 4.4, 7.1, 17.0]
    known = scipy_stats.linregress(np.log(sizes), np.log(seconds))
    found = fit_growth(sizes, seconds)
    assert (found.exponent, found.error) == pytest.approx((known.slope, known.stderr))


def test_a_share_that_does_not_grow_shows_in_the_largest_sizes():
    sizes = [1, 2, 4, 8, 16]
    found = fit_growth(sizes, [10 + 5 * n for n in sizes])
    assert 0.3 < found.exponent < found.last < 1


def test_two_sizes_have_no_error_and_zeros_no_power():
    assert fit_growth([2, 4], [1.0, 4.0]).error is None
    assert fit_growth([2, 4], [1.0, 4.0]).exponent == pytest.approx(2)
    assert fit_growth([2, 4], [0.0, 4.0]) is None
    assert fit_growth([2], [4.0]) is None


@pytest.mark.parametrize("sizes", [(4, 2), (2, 2), (0, 2), (1, 2, 4)])
def test_sizes_that_do_not_increase_are_refused(sizes):
    with pytest.raises(ValueError, match="2 figures"):
        fit_growth(sizes, [1.0, 2.0])


@pytest.mark.parametrize("plan", [FULL, QUICK, Plan(SMALL, {})], ids=["full", "quick", "small"])
def test_every_class_is_present_on_some_slices_and_absent_on_others(plan, tmp_path):
    sizes = {size for name in plan.grown for size in plan.sizes(name)} | {plan.base}
    for size in {replace(size, volumes=1, edge=min(size.edge, 64), slices=min(size.slices, 16)) for size in sizes}:
        voxels, masks = made_volume(size, 3)
        assert voxels.shape == (size.slices, size.edge, size.edge)
        assert len(masks) == size.classes
        for mask in masks.values():
            present = mask.any((1, 2))
            assert 0.2 < present.mean() < 0.8
            assert voxels[mask].mean() > voxels[~np.any(list(masks.values()), 0)].mean() + 300
        assert not np.any(np.sum(list(masks.values()), 0) > 1)


def test_a_cohort_is_tagged_from_the_truth(tmp_path):
    size = replace(SMALL, classes=2)
    paths, tags = make_cohort(size, tmp_path)
    assert [read_volume(path).geometry.size for path in paths] == [(40, 40, 6)] * 2
    for number, volume in enumerate(tags.volumes):
        for name, mask in made_volume(size, number)[1].items():
            assert volume.state(name).tolist() == [PRESENT if plane.any() else ABSENT for plane in mask]
    again = make_cohort(size, tmp_path)[0]
    assert read_volume(again[1]).array_sha256 == read_volume(paths[1]).array_sha256


@pytest.mark.parametrize("plan", [FULL, QUICK])
def test_one_size_grows_at_a_time_and_what_is_fixed_is_among_them(plan):
    for name, values in plan.grown.items():
        assert getattr(plan.base, name) in values
        assert np.all(np.diff(np.log2(values)) == 1)
        assert {replace(size, **{name: 0}) for size in plan.sizes(name)} == {replace(plan.base, **{name: 0})}


@pytest.fixture(scope="module")
def report():
    """Of two tiny runs, in this process and with few steps; what is fixed is one of them."""
    with one_thread():
        plan = Plan(SMALL, {"slices": (6, 12), "classes": (1,)}, QUICK_SETTINGS)
        return measure_scaling(plan, NAME, "cpu", measure=measured_run)


def test_a_tiny_plan_is_measured_from_end_to_end(report):
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert (report["backbone"], report["weights"], report["device"]) == (NAME, "none", "cpu")
    assert [run["n"] for run in report["grown"]["slices"]["runs"]] == [6, 12]
    assert report["grown"]["slices"]["runs"][0] == {**report["grown"]["classes"]["runs"][0], "n": 6}
    for grown in report["grown"].values():
        for run in grown["runs"]:
            parts = run["encode"] + run["learn"] + run["masks"]
            assert 0 < run["encode"] < parts <= run["seconds"] + 0.01
            assert run["learn"] > 0 < run["masks"]
            assert run["peak_mb"] > 50
        assert grown["fits"].keys() == set(FIGURES)
    assert report["grown"]["slices"]["fits"]["seconds"]["exponent"] < 5
    assert set(report["grown"]["classes"]["fits"].values()) == {None}


REFUSES = """
import os
from WeakMedSAMLib.contract.errors import UserError
raise UserError("no_such_run", str(os.getpid()), "Make one.", {"number": 3})
"""


def test_a_run_is_measured_in_a_process_of_its_own_out_of_which_its_refusal_comes():
    # A function of Python's own, lest the process import this file.
    with pytest.raises(UserError) as caught:
        apart(exec, REFUSES)
    error = caught.value
    assert int(error.message) != os.getpid()
    assert (error.code, error.hint, error.values) == ("no_such_run", "Make one.", {"number": 3})


def counted(calls):
    """Measures nothing, as if time were a product of sizes."""

    def measure(folder, backbone, device):
        calls.append((backbone, device))
        run = json.loads((folder / "run.json").read_text())
        seconds = float(len(run["volumes"]) * len(run["classes"]) ** 2)
        known = {"weights": "random", "device": "cpu", "precision": "float32"}
        return {**dict.fromkeys(FIGURES, seconds), **known}

    return measure


def test_what_is_in_several_rows_is_run_once_and_fitted_in_each():
    calls, lines = [], []
    plan = Plan(SMALL, {"volumes": (1, 2, 4), "classes": (1, 2, 4), "edge": (40, 80)})
    grown = measure_scaling(plan, "some", "auto", lines.append, counted(calls))["grown"]
    assert calls == [("some", "auto")] * 6
    assert len(lines) == 6
    assert [grown[name]["fits"]["learn"]["exponent"] for name in plan.grown] == pytest.approx([1, 2, 0])


def test_the_page_keeps_what_the_other_measurement_wrote(report, tmp_path, monkeypatch):
    monkeypatch.setattr("WeakMedSAMLib.studies.complexity_report.page", lambda report: f"# Costs\n\n{report}\n")
    write_page("first", tmp_path)
    write_growth(report, tmp_path)
    write_page("second", tmp_path)
    text = (tmp_path / PAGE).read_text()
    assert text == f"# Costs\n\nsecond\n\n{section(report)}"
    write_growth(report, tmp_path)
    assert (tmp_path / PAGE).read_text() == text


def test_the_section_has_a_row_for_each_size_and_run(report):
    text = section(report)
    lines = text.splitlines()
    assert text.startswith(HEADING)
    assert sum(line.startswith("| slices a volume | 6, 12 |") for line in lines) == 1
    assert [line.split(" | ")[1] for line in lines if line.startswith("| classes |")] == ["1", "1"]
    assert "Settings changed: classifier_steps 30" in text
    fits = report["grown"]["slices"]["fits"]
    fits = {**fits, "masks": None, "encode": {"factor": 1.0, "exponent": 1.234, "error": 0.056, "last": 1.5}}
    changed = {**report, "grown": {"slices": {**report["grown"]["slices"], "fits": fits}}}
    row = next(line for line in section(changed).splitlines() if "| 6, 12 |" in line).split(" | ")
    assert (row[3], row[5]) == ("1.23 ± 0.06 (1.50)", "-")


def test_the_page_of_the_documentation_has_the_section_with_the_notes_of_today(request):
    page = (request.config.rootpath / "docs" / PAGE).read_text(encoding="utf-8")
    assert f"{HEADING}\n{_NOTES}" in page


def test_the_command_writes_report_and_page(report, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(scaling, "measure_scaling", lambda *arguments: asked.append(arguments[:3]) or report)
    words = ["complexity", "--scaling", "--quick", "--out", str(tmp_path / "new" / "r.json")]
    done = CliRunner().invoke(benchmark, [*words, "--write-docs", str(tmp_path), "--device", "cpu"])
    assert done.exit_code == 0, done.output
    assert asked == [(QUICK, "litemedsam", "cpu")]
    assert json.loads((tmp_path / "new" / "r.json").read_text()) == report
    assert section(report).strip() in (tmp_path / PAGE).read_text()


@pytest.mark.parametrize("words", [["--quick"], ["--scaling", "--backbone", "a", "--backbone", "b"]])
def test_options_that_do_not_go_together_are_refused(words):
    done = CliRunner().invoke(benchmark, ["complexity", *words])
    assert done.exit_code == 2
    assert "--scaling" in done.output
