"""Scan tags: what a report says of a whole scan, in files, beside slice tags, and out of lists of reports."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.contradictions import contradictions
from WeakMedSAMLib.contract.labels.label_json import labels_from_json, labels_to_json
from WeakMedSAMLib.contract.labels.merging import merge_cohorts
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.report_list import report_columns, scan_tags_from_csv
from WeakMedSAMLib.contract.labels.scan_tags import KIND
from WeakMedSAMLib.contract.labels.slice_tags_csv import is_tags_csv, tags_to_csv
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

TABLE = ClassTable.from_names(["bleed", "oedema"])


def volume(name="a", n_slices=6, **shows):
    labels = VolumeLabels(name, n_slices=n_slices)
    KIND.put(labels, shows)
    return labels


def test_a_scan_that_does_not_show_a_class_has_it_on_no_slice_and_one_that_does_on_any():
    labels = volume(bleed=False, oedema=True)
    assert labels.presence("bleed").tolist() == [ABSENT] * 6
    assert labels.presence("oedema").tolist() == [UNTAGGED] * 6
    assert labels.is_said("oedema")
    assert KIND.is_open(labels, "oedema")
    assert not KIND.is_open(labels, "bleed")
    labels.set("oedema", 2, PRESENT)
    assert not KIND.is_open(labels, "oedema")


def test_before_the_number_of_slices_is_known_nothing_is_said_of_any_and_afterwards_of_all():
    labels = volume(n_slices=None, bleed=False)
    assert labels.presence("bleed").size == 0
    assert labels.settled(4).presence("bleed").tolist() == [ABSENT] * 4


def test_tags_of_slices_count_more_than_those_of_the_scan():
    labels = volume(bleed=False, oedema=True)
    labels.set_range("bleed", 1, 2, PRESENT)
    labels.set_range("oedema", 0, 5, ABSENT)
    assert labels.presence("bleed").tolist() == [ABSENT, PRESENT, PRESENT, ABSENT, ABSENT, ABSENT]
    assert [(one.trusted, one.other, one.slices) for one in contradictions(labels)] == [
        ("slice_tags", "scan_tags", (1, 2))
    ]
    assert not KIND.is_open(labels, "oedema")
    assert "scan_tag_contradicted" in [problem.code for problem in check(CohortLabels(TABLE, [labels]))]


def test_files_keep_them_and_refuse_what_is_none():
    cohort = CohortLabels(TABLE, [volume(bleed=False, oedema=True), volume("b", n_slices=None)])
    data = labels_to_json(cohort)
    assert data["volumes"][0]["labels"] == {"scan_tags": {"bleed": False, "oedema": True}}
    assert "labels" not in data["volumes"][1]
    assert labels_from_json(data).volumes == cohort.volumes
    data["volumes"][0]["labels"]["scan_tags"]["bleed"] = "no"
    with pytest.raises(UserError, match="'scan_tags' of volume 'a'"):
        labels_from_json(data)


def test_classes_that_are_renamed_or_removed_take_them_along():
    renamed = volume(bleed=False, oedema=True).with_classes({"bleed": "haemorrhage"})
    assert KIND.shows(renamed) == {"haemorrhage": False}


def test_of_two_files_the_later_one_counts_and_that_they_differ_is_told():
    earlier, later = (CohortLabels(TABLE, [one]) for one in (volume(bleed=True, oedema=True), volume(bleed=False)))
    merged, problems = merge_cohorts([earlier, later])
    assert KIND.shows(merged.volumes[0]) == {"oedema": True, "bleed": False}
    assert [problem.code for problem in problems] == ["merged_marks_differ"]


@pytest.mark.parametrize("axis", ["k", "i"])
def test_they_join_slice_tags_of_any_numbering_and_direction(axis):
    sliced = VolumeLabels("a", axis=axis, n_slices=6, numbering="slicer")
    sliced.tag_range("oedema", 2, 3)
    both = [CohortLabels(TABLE, [sliced]), CohortLabels(TABLE, [volume(n_slices=None, bleed=False)])]
    for cohorts in (both, both[::-1]):
        merged, problems = merge_cohorts(cohorts)
        assert not problems
        (found,) = merged.volumes
        assert (found.axis, found.n_slices) == (axis, 6)
        assert found.presence("bleed").tolist() == [ABSENT] * 6
        assert np.flatnonzero(found.presence("oedema") == PRESENT).tolist() == [2, 3]


def test_scan_tags_alone_are_enough_if_some_scans_lack_the_class():
    shown, lacking = volume("a", bleed=True), volume("b", n_slices=None, bleed=False)
    table = ClassTable.from_names(["bleed"])
    codes = [problem.code for problem in check(CohortLabels(table, [shown, lacking]))]
    assert "scan_tags_alone" in codes
    assert not {"class_never_present", "class_never_absent"} & {*codes}
    errors = [one.code for one in check(CohortLabels(table, [shown])) if one.severity == "error"]
    assert errors == ["class_never_absent"]


REPORTS = """Accession;Patient;Finding: bleed;Oedema
A1;Smith;yes;1
A2;Jones;No;
="003";Doe;;0
A4;Roe;;
"""


def test_a_list_of_reports_gives_scan_tags_and_nothing_else_of_it():
    cohort = scan_tags_from_csv(REPORTS, "accession", {"bleed": "Finding: bleed", "oedema": "Oedema"})
    said = {one.name: KIND.shows(one) for one in cohort.volumes}
    assert said == {"A1": {"bleed": True, "oedema": True}, "A2": {"bleed": False}, "003": {"oedema": False}}
    assert "Smith" not in str(labels_to_json(cohort))


def test_what_a_cell_holds_can_be_said():
    text = "scan,lesions\na,0\nb,3\nc,1\n"
    cohort = scan_tags_from_csv(text, "scan", {"lesion": "lesions"}, yes=["1", "2", "3"], no=["0"])
    assert [KIND.shows(one)["lesion"] for one in cohort.volumes] == [False, True, True]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("scan,lesion\na,3\n", "Line 2: lesion is neither yes nor no, but '3'"),
        ("scan,lesion\na,yes\na,no\n", "Line 3: the scan is said to lack class 'lesion', in line 2 to show it"),
        ("scan,lesion\n,yes\n", "Line 2: scan is blank"),
        ("scan,lesion,Lesion\na,1,0\n", "The column 'lesion' is there 2 times"),
        ("scan,finding\na,1\n", "There is no column 'lesion'"),
        ("", "There is no column 'scan'"),
    ],
)
def test_what_a_list_lacks_or_says_twice_is_named(text, fault):
    with pytest.raises(UserError, match=fault) as caught:
        scan_tags_from_csv(text, "scan", {"lesion": "lesion"})
    assert caught.value.code == "bad_tags"


def test_a_scan_that_is_listed_twice_alike_is_one():
    cohort = scan_tags_from_csv("scan,lesion\na,yes\na,ja\n", "scan", {"lesion": "lesion"})
    assert [(one.name, KIND.shows(one)) for one in cohort.volumes] == [("a", {"lesion": True})]


def test_the_column_that_names_the_volumes_is_found():
    text = "Patient;Accession ; Bleed\r\nDoe;a1;yes\r\nb2;b2;no\r\nRoe;c3;\r\n"
    assert report_columns(text, ["b2", "c3", "z9"]) == (["Patient", "Accession", "Bleed"], "Accession")
    assert report_columns(text, ["z9"]) == (["Patient", "Accession", "Bleed"], "")
    assert report_columns("") == ([], "")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("volume,class,first,last,tag", True),
        ("Volume;Class;First;last;label", True),  # one of them is wrong, which reading it says
        ("volume,class,finding", False),
        ("Accession,Haemorrhage", False),
        ("", True),
    ],
)
def test_slice_tags_are_told_from_other_tables(header, expected):
    assert is_tags_csv(header) is expected
    assert is_tags_csv(tags_to_csv(CohortLabels(ClassTable.from_names(["a"]))))
