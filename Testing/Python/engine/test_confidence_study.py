"""What confidence is worth, from kept reports: figures by hand, constants found again, the part of the page."""

from __future__ import annotations

import json
from dataclasses import astuple, replace

import numpy as np
import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.evaluation.rows import Row, confidence_figures
from WeakMedSAMLib.engine.evaluation.scoring import Score
from WeakMedSAMLib.engine.parts.quality import expected_dice
from WeakMedSAMLib.studies.confidence import Judged, confidence_of, nearer, slice_concordance, slices_ranked
from WeakMedSAMLib.studies.confidence_fit import fit_to_slices, fit_to_volumes, mean_dice
from WeakMedSAMLib.studies.confidence_logistic import FIRST, Logistic, present_logistic
from WeakMedSAMLib.studies.confidence_report import kept_slices, leave_one_out, tables, write_section

TRUE = Logistic(-0.7, 1.3)
PIXELS = 10000


def judged(*figures, group="a"):
    """Classes in volumes of patients p, q, ...: confidence and Dice."""
    return [Judged(group, "pqrstuvw"[number], *one) for number, one in enumerate(figures)]


def row(case, agreement, logistic=FIRST, patient="", dice=TRUE, name="a"):
    """A row of a report, of equally large slices between two absent ones, one of which a run left empty."""
    agreement = np.array(agreement)
    found, said = dice(agreement), np.round(logistic(agreement), 3)
    true = [0, *[PIXELS] * len(agreement), 0]
    shared = [0, *np.rint(PIXELS * found).astype(int).tolist(), 0]
    quality = {"confidence": None, "slice_confidence": [1.0, *said.tolist(), 1.0], "present_without_mask": []}
    return {
        "case": case,
        "class": name,
        "patient": patient or case,
        "confidence": round(float(said.mean()), 3),
        "patient_dice": round(float(found.mean()), 4),
        "by_slice": {"quality": quality, "drawn": true, "true": true, "shared": shared},
    }


def report(name, rows, seed=0, group="chosen on", **accuracy):
    found = {"tagged": {"patients": rows}, **accuracy}
    about = {"set": name, "group": group, "way": "tagged", "seed": seed, "status": "ok"}
    return {**about, "settings": {"preset": "fast"}, "accuracy": found}


@pytest.fixture
def reports():
    """Three sets whose masks are as good as `TRUE` says, of runs that went by the constants of before."""
    rng = np.random.default_rng(0)
    sets = {
        name: rng.uniform(*span, (4, 9)) for name, span in (("x", (0.3, 0.9)), ("y", (0.5, 0.9)), ("z", (0.4, 0.7)))
    }
    return [
        report(name, [row(f"{name}{number}", one) for number, one in enumerate(agreements)], group=name)
        for name, agreements in sets.items()
    ]


def test_distance_and_concordance_are_as_counted_by_hand():
    found = confidence_of(judged((0.8, 0.9), (0.7, 0.5), (0.6, 0.7), (0.9, 0.91)))
    assert found.distance.mean == pytest.approx((0.1 + 0.2 + 0.1 + 0.01) / 4)
    # Of six pairs one differs by too little; q is surer than r, and worse; the others are in order.
    assert found.concordance.mean == pytest.approx(4 / 5)
    assert (found.count, found.patients) == (4, 4)
    assert found.distance.low < found.distance.mean < found.distance.high
    two = [*judged((0.8, 0.9), (0.7, 0.5)), *judged((0.6, 0.95), group="b")]
    assert confidence_of(two).concordance.mean == 1  # classes are not compared with each other
    assert np.isnan(confidence_of(two).distance.low)  # of two patients
    assert np.isnan(confidence_of(two[::2]).concordance.mean)


def test_it_is_what_the_report_of_a_run_says():
    rng = np.random.default_rng(1)
    values = [(name, *rng.uniform(0, 1, 2)) for name in "ab" for _ in range(12)]
    rows = [
        Row(f"{number}", name, True, Score(dice, (), 0, 0, False), confidence=sure)
        for number, (name, sure, dice) in enumerate(values)
    ]
    mine = confidence_of([Judged(one.class_name, one.case, one.confidence, one.score.patient_dice) for one in rows])
    told = confidence_figures(rows)
    assert (mine.distance.mean, mine.concordance.mean) == pytest.approx((told["error"], told["concordance"]), abs=1e-4)


def test_all_scans_of_a_patient_are_drawn_together():
    once = judged((0.8, 0.9), (0.7, 0.5), (0.6, 0.7), (0.3, 0.9))
    twice = [replace(one, group=run) for run in (0, 1) for one in once]
    for name in ("distance", "concordance"):
        doubled, single = (astuple(getattr(confidence_of(some), name)) for some in (twice, once))
        assert doubled == pytest.approx(single)


def test_what_is_nearer_is_told_by_pairs():
    close = judged(*((dice - 0.01, dice) for dice in (0.1, 0.5, 0.9)))
    far = [replace(one, confidence=one.dice - 0.06) for one in close]
    assert astuple(nearer(close, far)) == pytest.approx((-0.05, -0.05, -0.05))


def test_slices_are_ranked_within_their_volume_and_absent_ones_have_no_part():
    rising, level = row("p", [0.3, 0.5, 0.7]), row("q", [0.6, 0.6])
    falling = row("r", [0.3, 0.5, 0.7], dice=lambda agreement: 1 - agreement)
    assert slices_ranked([rising, level, falling]) == {("p", "a"): 1.0, ("r", "a"): 0.0}
    assert slices_ranked([{"case": "p", "class": "a"}]) == {}
    missed = row("s", [0.5, 0.6])
    missed["by_slice"]["quality"] |= {"present_without_mask": [0], "slice_confidence": [0.0, 0.2, 0.7, 1.0]}
    assert slices_ranked([missed]) == {("s", "a"): 1.0}
    assert slice_concordance([rising, falling, missed]).mean == pytest.approx(2 / 3)


def test_the_present_constants_are_those_of_the_program_and_reports_say_theirs(reports):
    some = np.linspace(0, 1, 21)
    assert present_logistic()(some) == pytest.approx(expected_dice(some))
    assert FIRST.inverse(np.round(FIRST(some), 3))[4:18] == pytest.approx(some[4:18], abs=0.01)
    other = Logistic(-1.0, 1.0)
    told = report("x", [row("p", some[4:18], other)], confidence_logistic={"offset": -1.0, "slope": 1.0})
    (shown,) = kept_slices([told])
    assert shown.agreement == pytest.approx(some[4:18], abs=0.005)
    told["settings"]["preset"] = "paper"  # whose confidence is the agreement itself
    assert kept_slices([told]) == []


@pytest.mark.parametrize("fit", [fit_to_slices, fit_to_volumes])
def test_constants_are_found_again_that_made_the_masks(reports, fit):
    found = fit({one["set"]: kept_slices([one]) for one in reports})
    assert (found.offset, found.slope) == pytest.approx((TRUE.offset, TRUE.slope), abs=0.05)


def test_a_set_counts_once_and_in_it_a_class(reports):
    (first, *_) = reports
    kept = {"x": kept_slices([first]), "y": [*kept_slices([first])[:1] * 3]}
    dice = [one.judged.dice for one in kept["x"]]
    assert mean_dice(kept) == pytest.approx((np.mean(dice) + dice[0]) / 2)


def test_each_set_is_judged_by_what_the_others_say(reports):
    kept = {one["set"]: kept_slices([one]) for one in reports}
    for name, found in leave_one_out(kept).items():
        others = {other: own for other, own in kept.items() if other != name}
        assert found.said == pytest.approx(mean_dice(others))
        assert found.by_mean.distance.mean == pytest.approx(
            np.mean([abs(found.said - one.judged.dice) for one in kept[name]])
        )
        assert found.by_mean.concordance.mean in (0.5, pytest.approx(0.5))
        assert found.fitted["slices"][0].slope == pytest.approx(TRUE.slope, abs=0.1)
        for _logistic, figures in found.fitted.values():
            assert figures.distance.mean < 0.02 < found.now.distance.mean
        assert all(gain.high < 0 for gain in found.gain.values())


def test_the_page_gets_the_sets_that_there_are(reports, tmp_path):
    del reports[2]["accuracy"]["tagged"]["patients"][0]["by_slice"]
    without = [{**one, "accuracy": json.loads(json.dumps(one["accuracy"]))} for one in reports]
    for one in without[2]["accuracy"]["tagged"]["patients"]:
        one.pop("by_slice", None)
    failed = {"set": "w", "way": "tagged", "seed": 0, "status": "failed"}
    (tmp_path / "figures.md").write_text(
        "# Figures\n\n## Confidence\n\nkept\n\n## Time\n\nkept, too\n", encoding="utf-8"
    )
    page = write_section([*without, failed], tmp_path).read_text(encoding="utf-8")
    assert page.startswith("# Figures\n\n## Confidence\n\nkept\n")
    first, second = page.split("## Confidence, set by set")[1].split("The constants of the logistic")
    assert [line.split(" | ")[0] for line in first.splitlines() if line.startswith("| ")][2:] == [
        *("| x", "| y", "| z", "| **mean, x**", "| **mean, y**", "| **mean, z**", "| **mean, all**")
    ]
    assert "| z | 4 | 4 |" in first
    assert "| - |" in next(line for line in first.splitlines() if line.startswith("| z "))
    assert "| x | " in second
    assert "| z | " not in second
    assert "Fitted to all of these sets: to slices -0.7" in second
    assert write_section([*without, failed], tmp_path).read_text(encoding="utf-8") == page
    with pytest.raises(UserError, match="No set of the benchmark is finished"):
        tables([failed])


def test_the_command_reads_a_folder_and_runs_nothing(call, reports, tmp_path):
    for one in reports:
        (tmp_path / one["set"]).mkdir()
        (tmp_path / one["set"] / "tagged-seed0.json").write_text(json.dumps(one), encoding="utf-8")
    code, out, _told = call("benchmark", "confidence", tmp_path)
    assert code == 0
    assert "| left out |" in out
    (tmp_path / "nothing").mkdir()
    code, _out, told = call("benchmark", "confidence", tmp_path / "nothing")
    assert code == 2
    assert "No set of the benchmark is finished" in told
