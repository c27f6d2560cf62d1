"""Two folders of the benchmark of many sets, paired by patient: figures by hand, and what does not pair left out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.studies.compare import compare_table, pairs_of, settings_lines


def report(name, dice, seed=0, way="tagged", group="chosen on", **settings):
    """A report: class -> Dice of patients p, q, ...; None where there is nothing to find."""
    rows = [
        {"case": f"{patient}1", "patient": patient, "class": label, "patient_dice": value}
        for label, values in dice.items()
        for patient, value in zip("pqrstu", values, strict=False)
    ]
    scores = {"untagged" if way == "folds" else "tagged": {"patients": rows}}
    about = {"set": name, "group": group, "way": way, "seed": seed, "status": "ok"}
    return {**about, "settings": {"preset": "fast", "overrides": {}, **settings}, "accuracy": scores}


def cells(text):
    """First cell of a line of a table -> the others."""
    lines = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {first: rest for first, *rest in lines}


def test_a_set_is_the_mean_of_its_classes_and_counts_once():
    first = [report("x", {"a": [0.5, 0.6, 0.7], "b": [0.2, 0.2, 0.2]}), report("y", {"a": [0.1] * 6}, group="aside")]
    second = [report("x", {"a": [0.6, 0.7, 0.8], "b": [0.2, 0.2, 0.2]}), report("y", {"a": [0.4] * 6}, group="aside")]
    found = cells(compare_table(pairs_of(first, second)))
    assert found["x"] == ["3", "0", "0.400", "0.450", "+0.050 (+0.050 to +0.050)", "a +0.100, b +0.000"]
    assert found["y"][3:5] == ["0.400", "+0.300 (+0.300 to +0.300)"]
    assert found["**mean of 2, all**"][2:5] == ["0.250", "0.425", "+0.175 (+0.175 to +0.175)"]
    assert {"**mean of 1, chosen on**", "**mean of 1, aside**"} <= found.keys()


def test_patients_are_paired_over_the_seeds_that_both_have():
    rng = np.random.default_rng(0)
    own = rng.uniform(0.1, 0.8, 6)
    first = [report("x", {"a": own}), report("x", {"a": own * 0}, seed=1)]
    second = [report("x", {"a": own[::-1]}, seed=2), report("x", {"a": own + 0.1 + rng.normal(0, 0.01, 6)})]
    (pair,) = pairs_of(first, second)
    assert pair.seeds == (0,)
    mean, low, high = (float(one) for one in (pair.figures()[2][0], *np.percentile(pair.figures()[2][1:], (2.5, 97.5))))
    # Patients differ by far more than what was done to them.
    assert (mean, low, high) == pytest.approx((0.1, 0.1, 0.1), abs=0.02)
    assert low < mean < high


def test_reports_of_one_seed_count_as_one_and_who_is_in_one_folder_alone_is_left_out():
    first = [report("x", {"a": [0.5, None, 0.7, 0.9]}), report("x", {"a": [0.5] * 4}, seed=1)]
    second = [*(report("x", {"a": [dice, 0.4, 0.7]}) for dice in (0.6, 0.8)), report("x", {"a": [0.6, 0.5]}, seed=1)]
    (pair,) = pairs_of(first, second)
    assert pair.scores[0] == pytest.approx({("p", "a"): 0.5, ("r", "a"): 0.7, ("q", "a"): 0.5})
    assert pair.scores[1] == pytest.approx({("p", "a"): (0.7 + 0.6) / 2, ("r", "a"): 0.7, ("q", "a"): 0.5})


def test_untagged_scans_have_a_table_of_their_own_and_differing_settings_are_told():
    first = [report("x", {"a": [0.5]}), report("x", {"a": [0.3]}, way="folds"), report("y", {"a": [0.5]})]
    second = [report(name, {"a": [0.6]}, way=way, preset="paper") for name, way in (("x", "tagged"), ("x", "folds"))]
    pairs = pairs_of(first, second)
    tagged, folds = compare_table(pairs).split("folds:")
    assert cells(tagged)["x"][4] == "+0.100"  # of one patient, without an interval
    assert cells(folds)["x"][4] == "+0.300"
    assert settings_lines(pairs) == ["First: preset is fast, not paper (x)"]


def test_the_command_reads_two_folders(call, tmp_path):
    for folder, dice in (("one", 0.5), ("two", 0.7)):
        (tmp_path / folder / "x").mkdir(parents=True)
        text = json.dumps(report("x", {"a": [dice] * 4}))
        (tmp_path / folder / "x" / "tagged-seed0.json").write_text(text, encoding="utf-8")
    code, out, _told = call("benchmark", "compare", tmp_path / "one", tmp_path / "two")
    assert code == 0
    assert cells(out)["x"][2:5] == ["0.500", "0.700", "+0.200 (+0.200 to +0.200)"]
    (tmp_path / "none").mkdir()
    code, _out, told = call("benchmark", "compare", tmp_path / "one", tmp_path / "none")
    assert code == 2
    assert "No set is finished in both folders with the same seed" in " ".join(told.split())
    with pytest.raises(UserError, match="in both folders"):
        pairs_of([report("x", {"a": [0.5]})], [report("x", {"a": [0.5]}, seed=1)])
