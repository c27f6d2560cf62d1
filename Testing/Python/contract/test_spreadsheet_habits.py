"""Tag files as spreadsheets, pandas and people leave them: what has one meaning is read, the rest gets a way out."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.csv_cells import looks_like_date, whole_number
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.label_json import labels_from_json
from WeakMedSAMLib.contract.labels.slice_tags_csv import tags_from_csv, tags_to_csv
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

TABLE = [
    ["volume", "class", "first", "last", "tag"],
    ["scan", "Tumor", "4", "8", "present"],
    ["scan", "Tumor", "", "", "absent"],
]
EXPECTED = [0, 0, 0, 0, 1, 1, 1, 1, 1, 0]


def text_of(rows, separator=",", line_end="\n"):
    return "".join(separator.join(row) + line_end for row in rows)


def state_of(text):
    (volume,) = tags_from_csv(text).volumes
    assert volume.name == "scan"
    return volume.settled(10).state("Tumor").tolist()


def changed(**cells):
    """The table with other text in the first row below the header."""
    row = [cells.get(name, cell) for name, cell in zip(TABLE[0], TABLE[1], strict=True)]
    return [TABLE[0], row, TABLE[2]]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    "first", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;;;"], ids=["plain", "capitals", "quoted", "filled up"]
)
def test_the_line_with_the_separator_is_not_the_header(mark, first):
    assert state_of(f"{mark}{first}\r\n{text_of(TABLE, ';', chr(13) + chr(10))}") == EXPECTED


def test_any_separator_can_be_named_and_lines_are_counted_as_the_file_has_them():
    assert state_of(f"sep=\t\n{text_of(TABLE, chr(9))}") == EXPECTED
    for odd in (";", '"', "v", "\\"):
        assert state_of(f"sep={odd}\n{text_of(TABLE, ',')}") == EXPECTED
    with pytest.raises(UserError, match="Line 3: first is 'x'"):
        tags_from_csv(f"sep=;\n{text_of(changed(first='x'), ';')}")
    with pytest.raises(UserError, match="empty"):
        tags_from_csv("sep=;\n")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(("first", "last"), [("4.0", "8.0"), ("4.", "8.000000"), ("4e+00", "8.0E0"), ("04", "008")])
def test_whole_numbers_are_whole_however_they_are_written(separator, first, last):
    assert state_of(text_of(changed(first=first, last=last), separator)) == EXPECTED


def test_a_german_comma_and_numbers_between_quotes():
    assert state_of(text_of(changed(first="4,0", last="8,00"), ";")) == EXPECTED
    assert state_of(text_of(changed(first='"4,0"', last='"8"'), ",")) == EXPECTED


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("4.5", "whole number"),
        ("4.000", "two ways"),
        ("12,000", "two ways"),
        ("1.000.000", "two ways"),
        ("-4.0", "whole number"),
        ("4e-1", "whole number"),
        ("1e20", "whole number"),
        ("4 8", "whole number"),
        ("4-8", "whole number"),
        ("02.04.2024", "made a date"),
        ("2024-04-08 00:00:00", "made a date"),
        ("04. Aug", "made a date"),
        ("Apr 08", "made a date"),
        ("8-Mrz", "made a date"),
    ],
)
def test_numbers_of_two_meanings_and_dates_are_refused_with_a_way_out(cell, words):
    with pytest.raises(UserError, match=f"(?s)Line 2: first is '{cell[:4]}.*{words}") as caught:
        tags_from_csv(text_of(changed(first=cell), ";"))
    assert caught.value.code == "bad_tags"


def test_names_are_no_dates():
    assert not [
        name for name in ("Marker 3", "Mayer 12", "case 1-2", "4.0", "003", "Sepsis 4") if looks_like_date(name)
    ]
    assert whole_number(1, "first", "0.000") == 0


@pytest.mark.parametrize("blank", ["NaN", "nan", "None", "NULL", "NA", "N/A", "<NA>", "#N/A"])
def test_words_for_a_blank_cell(blank):
    header = "volume,sha256,axis,slices,class,label_value,color,first,last,tag"
    rows = [f"scan,{blank},{blank},10.0,Tumor,3.0,{blank},4,8,present", f"scan,,,,Tumor,,,{blank},{blank},absent"]
    (volume,) = tags_from_csv("\n".join([header, *rows])).volumes
    assert (volume.sha256, volume.axis, volume.n_slices) == (None, "k", 10)
    assert volume.state("Tumor").tolist() == EXPECTED


@pytest.mark.parametrize("column", ["volume", "class"])
def test_a_word_for_a_blank_cell_is_no_name_unless_the_row_says_more_of_it(column):
    with pytest.raises(UserError, match=f"(?s)Line 2: the {column} is 'nan'.*fill the column") as caught:
        tags_from_csv(text_of(changed(**{column: "nan"})))
    assert caught.value.code == "bad_tags"
    cohort = CohortLabels(ClassTable.from_names(["None"]), [VolumeLabels("NA", None, "j", 3)])
    assert tags_from_csv(tags_to_csv(cohort)) == cohort


def test_the_index_that_pandas_writes_and_empty_columns_and_rows_do_not_count():
    numbered = [[str(number - 1) if number else "", *row, "", ""] for number, row in enumerate(TABLE)]
    text = text_of([[""] * 8, *numbered, [""] * 8], ";")
    assert state_of(text) == EXPECTED
    assert state_of(text.replace(";volume", "Unnamed: 0;volume", 1)) == EXPECTED


def test_rows_that_a_spreadsheet_took_for_one_cell_each():
    """German Excel opens a comma file in one column, and saves it with semicolons."""
    written = tags_to_csv(tags_from_csv(text_of(TABLE)))
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=";").writerows([line.replace('"', "", 2)] for line in written.splitlines())
    assert stream.getvalue().startswith('"volume,""sha256""')
    assert state_of(stream.getvalue()) == EXPECTED
    assert state_of("".join(f'"{line}"\r\n' for line in text_of(TABLE, ";").splitlines())) == EXPECTED


def test_blanks_after_commas_and_in_the_header():
    for header in ('Volume , "Class", FIRST, "Last","tag"', "volume,class,first,last,tag"):
        rows = [header, '"scan", "Tumor", 4, "8", "Present"', 'scan, "Tumor", , , absent']
        assert state_of("\n".join(rows)) == EXPECTED


@pytest.mark.parametrize("name", ["Label Value", "LabelValue", "label-value", "LABEL_VALUE "])
def test_a_column_may_be_written_in_several_ways(name):
    text = f"volume,{name},SHA-256,class,first,last,tag\nscan,7,{'ab' * 32},Tumor,4,8,present\n"
    cohort = tags_from_csv(text)
    assert (cohort.classes[0].label_value, cohort.volumes[0].sha256) == (7, "ab" * 32)


@pytest.mark.parametrize("name", ["axes", "slice", "sha265", "colors", "label_valu"])
def test_a_column_that_is_nearly_a_known_one_is_not_passed_over(name):
    with pytest.raises(UserError, match=f"column '{name}' is nearly") as caught:
        tags_from_csv(f"volume,{name},class,first,last,tag\nscan,7,Tumor,4,8,present\n")
    assert "correct its name" in caught.value.hint


def test_other_columns_are_passed_over():
    extra = "comment,reader,note,slice_thickness,patient,modality"
    text = f"volume,class,first,last,tag,{extra}\nscan,Tumor,4,8,present,a,b,c,d,e,f\nscan,Tumor,,,absent,,,,,,\n"
    assert state_of(text) == EXPECTED


def test_a_misspelt_column_that_is_needed_is_named():
    with pytest.raises(UserError, match="column 'clas' is nearly 'class'"):
        tags_from_csv("volume,clas,first,last,tag\n")


def test_a_formula_that_keeps_the_zeros_of_a_name():
    (volume,) = tags_from_csv(text_of(changed(volume='"=""001"""'))[: -len(text_of(TABLE[2:]))]).volumes
    assert volume.name == "001"
    (volume,) = tags_from_csv('volume;class;first;last;tag\n="001";Tumor;4;8;present\n').volumes
    assert volume.name == "001"
    cohort = CohortLabels(ClassTable.from_names(['="x"']), [VolumeLabels('="001"')])
    assert tags_from_csv(tags_to_csv(cohort)) == cohort


@pytest.mark.parametrize("name", ["tags.xlsx", "tags.ODS"])
def test_the_file_of_a_spreadsheet_program_is_not_its_table(tmp_path, name):
    with pytest.raises(UserError, match=r"\.json, \.csv or \.mrk\.json.*Save the table as CSV UTF-8") as caught:
        read_label_file(tmp_path / name)
    assert caught.value.code == "bad_suffix"


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_excel_saves_unicode_text_as_utf16(tmp_path, coding):
    text = text_of(changed(**{"class": "Lüsion"}), "\t", "\r\n")
    mark = "\ufeff" if coding == "utf-16-be" else ""
    (tmp_path / "tags.csv").write_bytes((mark + text).encode(coding))
    assert read_label_file(tmp_path / "tags.csv").classes.names == ["Lüsion", "Tumor"]
    (tmp_path / "tags.csv").write_bytes((mark + text).encode(coding) + b"\xff")
    with pytest.raises(UserError, match="not UTF-") as caught:
        read_label_file(tmp_path / "tags.csv")
    assert caught.value.code == "not_utf8"


def json_tags(**changes):
    volume = {"name": "scan", "slices": 10.0, "tags": {"Tumor": {"present": [[4.0, 8.0]], "absent": [[9, 9.0]]}}}
    classes = [{"name": "Tumor", "label_value": 3.0, "color": [1.0, 2, 3]}]
    return {"schema": "weakmedsam-tags", "version": 1.0, "classes": classes, "volumes": [{**volume, **changes}]}


def test_whole_numbers_in_json_may_have_a_point():
    cohort = labels_from_json(json.loads(json.dumps(json_tags())))
    assert cohort.volumes[0].state("Tumor").tolist() == [-1, -1, -1, -1, 1, 1, 1, 1, 1, 0]
    assert (cohort.classes[0].label_value, cohort.classes[0].color) == (3, (1, 2, 3))


@pytest.mark.parametrize("value", [10.5, 1e300, math.inf])
def test_other_numbers_in_json_are_refused(value):
    with pytest.raises(UserError) as caught:
        labels_from_json(json_tags(slices=value))
    assert caught.value.hint


def test_one_scan_in_two_directions_is_told_as_that():
    entries = [
        {"name": "scan", "axis": axis, "rest_is_absent": {"T": True}, "tags": {"T": {"present": [span]}}}
        for axis, span in (("k", [4, 8]), ("i", [16, 32]))
    ]
    data = {"schema": "weakmedsam-tags", "version": 1, "classes": [{"name": "T"}], "volumes": entries}
    for sha256 in (None, "ab" * 32):
        with pytest.raises(UserError) as caught:
            labels_from_json({**data, "volumes": [{**entry, "sha256": sha256} for entry in entries]})
        assert caught.value.code == "tagged_in_two_directions"
        assert "along k ('T' on slices 4 to 8) and along i ('T' on slices 16 to 32)" in caught.value.message
        assert "a tag file of its own" in caught.value.hint
        assert "hash" not in str(caught.value)


def test_two_directions_in_a_spreadsheet():
    rows = ["volume,axis,class,first,last,tag", "scan,k,T,4,8,present", "scan,i,T,16,32,present"]
    with pytest.raises(UserError, match=r"(?s)Line 3: axis of volume 'scan' is 'i', above it is 'k'.*own"):
        tags_from_csv("\n".join(rows))


def test_an_entry_twice_under_one_hash_is_not_told_to_give_the_hash():
    volumes = [VolumeLabels(name, "ab" * 32) for name in ("one", "two")]
    with pytest.raises(UserError, match="same hash: keep one") as caught:
        CohortLabels(ClassTable.from_names(["T"]), volumes)
    assert caught.value.code == "duplicate_volume"
