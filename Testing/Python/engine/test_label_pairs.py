"""Rows of the benchmark of labels patient by patient."""

from __future__ import annotations

import pytest

from WeakMedSAMLib.studies.label_pairs import PAIRS, pairs_table
from WeakMedSAMLib.studies.label_rows import ROWS


def report(row, seed=0, **by_patient):
    """A report of one class; of each patient dice, elsewhere, before and before elsewhere, as far as they are given."""
    names = ("dice", "dice_elsewhere", "before", "before_elsewhere")
    patients = [
        {"case": f"{patient} scan", "patient": patient, "class_name": "liver", **dict(zip(names, values, strict=False))}
        for patient, values in by_patient.items()
    ]
    return {"row": row, "seed": seed, "status": "ok", "classes": {"liver": {}}, "patients": patients}


def cells(reports, title):
    (line,) = [line for line in pairs_table(reports).splitlines() if line.startswith(f"| {title} ")]
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_pairs_are_of_rows_that_there_are():
    names = {row.name for row in ROWS}
    assert {name for row, other, _ in PAIRS for name in (row, other)} - {"before"} <= names


def test_what_corrections_add_is_of_the_same_slices_before_and_after():
    reports = [report("corrected-proposed", p=(0.9, 0.8, 0.7, 0.75), q=(0.8, 0.7, 0.7, 0.55))]
    assert cells(reports, "corrected as proposed - the masks before") == ["+0.150", "+0.100", "+0.150", "2"]
    assert len(pairs_table(reports).splitlines()) == 3


def test_elsewhere_corrected_rows_are_compared_by_what_was_added():
    reports = [
        # Easy slices are left over by one, difficult ones by the other: both added a tenth there.
        report("corrected-proposed", p=(0.9, 0.9, 0.7, 0.8)),
        report("corrected-random", p=(0.85, 0.6, 0.7, 0.5)),
    ]
    assert cells(reports, "corrected as proposed - at random") == ["+0.050", "+0.000", "+0.050", "1"]


def test_of_other_rows_elsewhere_counts_where_both_drew_the_same_slices():
    reports = [
        report("drawn-tenth", p=(0.9, 0.8)),
        report("grow-from-seeds", p=(0.7, 0.5)),
        report("box", p=(0.8, 0.75)),
    ]
    assert cells(reports, "every tenth slice drawn - *Grow from seeds*") == ["+0.200", "+0.300", "+0.200", "1"]
    assert cells(reports, "every tenth slice drawn - tags and a box") == ["+0.100", "-", "+0.100", "1"]


def test_seeds_of_both_rows_are_paired_and_patients_give_the_interval():
    dice = {"p": 0.1, "q": 0.2, "r": 0.3}
    reports = [
        *(
            report("corrected-proposed", seed, **{name: (0.5 + gain,) for name, gain in dice.items()})
            for seed in (0, 1)
        ),
        *(report("corrected-random", seed, **dict.fromkeys(dice, (0.5,))) for seed in (1, 2)),
    ]
    whole, elsewhere, liver, patients = cells(reports, "corrected as proposed - at random")
    assert whole == liver
    assert (whole.split(" ")[0], elsewhere, patients) == ("+0.200", "-", "3")
    low, high = (float(word) for word in whole[whole.index("(") + 1 : -1].split(" to "))
    assert 0.1 <= low < 0.2 < high <= 0.3


def test_who_has_no_figure_in_a_row_is_left_out():
    reports = [report("corrected-proposed", p=(0.9,), q=(None,)), report("corrected-random", p=(0.8,), q=(0.7,))]
    assert cells(reports, "corrected as proposed - at random")[0] == "+0.100"
    assert cells(reports, "corrected as proposed - at random")[-1] == "1"


@pytest.mark.parametrize("reports", [[], [report("corrected-proposed", p=(0.9,))], [report("tags", p=(0.9, 0.8))]])
def test_without_a_pair_there_is_no_table(reports):
    assert pairs_table(reports) == ""
