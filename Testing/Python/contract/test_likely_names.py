"""Names that do not meet: what is proposed, and what never is."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from WeakMedSAMLib.contract.labels.unmet import find_unmet
from WeakMedSAMLib.contract.likely_names import did_you_mean, likely_names, likely_pairs, list_names


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("1", "001"),
        ("case_7", "case_007"),
        ("12.0", "012"),
        ("Scan-A", "scan a"),
        ("scan_1", "Scan 1"),
        ("scan1", "scan_01"),
        ("patient.3", "patient-3"),
        ("scan.nii.gz", "scan"),
        ("scan.seg.nrrd", "scan"),
        ("scan_image", "scan"),
        ("scan_0000.nii.gz", "scan"),
        (r"C:\data\scan.nrrd", "scan"),
        ("/home/me/scans/scan.mha", "scan"),
        ("'001", "001"),
        ('="001"', "001"),
        (unicodedata.normalize("NFD", "Schädel"), unicodedata.normalize("NFC", "Schädel")),
        ("STRASSE", "straße"),
        ("12", "patient 12 ct"),
        ("hepatitis_3", "hepattis_3"),
        ("Schaedel", "Schädel"),
    ],
)
def test_the_likely_name_is_found_from_either_side(name, other):
    others = ["other", "0815", "liver 99"]
    assert likely_names(name, [*others, other]) == [other]
    assert likely_names(other, [*others, name]) == [name]


@pytest.mark.parametrize(
    ("name", "other"),
    [("case 1", "case 2"), ("001", "010"), ("a", "b"), ("lung", "liver"), ("case_0001", "case_0002"), ("1", "scan 11")],
)
def test_what_may_be_another_case_is_not_proposed(name, other):
    assert likely_names(name, [other]) == []
    assert did_you_mean(name, [other]) == ""
    assert likely_names("--", ["__"]) == []


def test_several_likely_ones_are_all_named_but_make_no_pair():
    assert likely_names("1", ["001", "01", "2"]) == ["001", "01"]
    assert did_you_mean("1", ["001", "01", "2"]) == "Is it '001' or '01'?"
    assert likely_pairs(["1"], ["001", "01"]) == []
    assert likely_pairs(["001", "002", "x"], ["1", "2", "3"]) == [("001", "1"), ("002", "2")]


def test_the_better_way_of_being_alike_counts_alone():
    assert likely_names("scan", ["SCAN", "scan 2", "scans"]) == ["SCAN"]
    assert likely_names("hepatitis", ["hepattis", "hepatitsi", "kidney"]) == ["hepattis", "hepatitsi"]


def test_many_names_are_counted_not_listed():
    assert list_names(["a", "b"]) == "'a', 'b'"
    assert list_names([str(number) for number in range(9)]) == "'0', '1', '2', '3', '4' and 4 more"


def test_both_sides_are_named_and_what_to_do_depends_on_what_is_likely():
    problem = find_unmet(["001", "002"], ["1", "2"])
    assert problem.severity == "warning"
    assert "no tags for '001', '002'; those for '1', '2' are" in problem.message
    assert "'1' is most likely '001', '2' is most likely '002'" in problem.hint
    many = find_unmet([f"{number:03d}" for number in range(7)], [str(number) for number in range(7)])
    assert "and 2 more" in many.message
    assert "(and 2 more)" in many.hint
    assert "looks like a date" in find_unmet(["scan a"], ["02. Jan"]).hint
    assert "without the suffix" in find_unmet(["scan a"], ["x"]).hint
    assert find_unmet(["a"], []) is find_unmet([], ["a"]) is None


def test_large_cohorts_are_compared_in_time():
    names = [f"patient {number:04d} liver" for number in range(400)]
    before = time.perf_counter()
    assert len(likely_pairs(names, [f"PATIENT_{number}_liver" for number in range(400)])) == 400
    assert likely_pairs(names, [f"tag {number + 1000}" for number in range(400)]) == []
    assert time.perf_counter() - before < 15


@given(st.text(max_size=12), st.lists(st.text(max_size=12), max_size=4))
def test_any_text_can_be_compared(name, others):
    assert set(likely_names(name, others)) <= set(others)
    assert name not in others or name in likely_names(name, others)
