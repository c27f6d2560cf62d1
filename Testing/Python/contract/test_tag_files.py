"""Tag files: what is written is read back, by us and by whoever edits the file in between."""

from __future__ import annotations

import csv
import io
import json
from importlib import resources

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.label_json import labels_from_json, labels_to_json
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.slice_tags_csv import COLUMNS, tags_from_csv, tags_to_csv
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

SCHEMA = json.loads(resources.files("WeakMedSAMLib.contract").joinpath("schemas/tags.schema.json").read_text("utf-8"))
HEADER = ",".join(COLUMNS)
NASTY = (
    "=1+1",
    "+1",
    "-lesion",
    "@SUM(A1)",
    "'quoted",
    "'=x",
    "''=x",
    "＝1",
    'with "quotes", commas; semicolons',
    "=HYPERLINK(\"http://x\";'y')",
    "Lüngenflügel 肝臓 🫁",
    "007",
    "1e5",
    "true",
    "#REF!",
)

names = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=10),
).filter(lambda name: name.strip())
class_names = names.map(str.strip)
states = st.lists(st.sampled_from([UNTAGGED, ABSENT, PRESENT]), min_size=1, max_size=15)


@st.composite
def class_tables(draw, with_terminology=True):
    found = draw(st.lists(class_names, unique=True, max_size=4))
    values = draw(st.lists(st.integers(1, 65535), unique=True, min_size=len(found), max_size=len(found)))
    colors = st.tuples(*[st.integers(0, 255)] * 3)
    words = st.text(max_size=6) if with_terminology else st.just("")
    return ClassTable(
        SegmentClass(name, draw(colors), value, draw(words)) for name, value in zip(found, values, strict=True)
    )


@st.composite
def volume_tags(draw, name, sha256, classes):
    n_slices = draw(st.none() | st.integers(1, 15))
    numbering = draw(st.sampled_from([None, "slicer", "file"]))
    volume = VolumeLabels(name, sha256, draw(st.sampled_from("ijk")), n_slices, numbering=numbering)
    for entry in classes:
        state = draw(states)[:n_slices]
        for index, tag in enumerate(state):
            volume.set(entry.name, index, tag)
        if draw(st.booleans()):
            volume.tag_range(entry.name, 0, len(state) - 1, draw(st.booleans()))
    return volume


@st.composite
def cohorts(draw, with_terminology=True):
    classes = draw(class_tables(with_terminology))
    hashed = draw(st.lists(names, max_size=3))
    hashes = draw(st.lists(st.integers(0, 2**256 - 1), unique=True, min_size=len(hashed), max_size=len(hashed)))
    volumes = [draw(volume_tags(name, f"{value:064x}", classes)) for name, value in zip(hashed, hashes, strict=True)]
    for name in draw(st.lists(names, max_size=2)):
        try:
            volumes = [*CohortLabels(classes, [*volumes, draw(volume_tags(name, None, classes))]).volumes]
        except UserError:
            continue
    return CohortLabels(classes, volumes)


@given(cohort=cohorts())
def test_json_round_trip(cohort):
    data = json.loads(json.dumps(labels_to_json(cohort)))
    assert labels_from_json(data) == cohort
    jsonschema.validate(data, SCHEMA)


@given(cohort=cohorts(with_terminology=False))
def test_csv_round_trip(cohort):
    assert tags_from_csv(tags_to_csv(cohort)) == cohort


@given(cohort=cohorts(with_terminology=False))
def test_csv_round_trip_through_a_spreadsheet(cohort):
    """A spreadsheet writes its own separator, quotes less, pads rows, and drops the byte-order mark."""
    rows = list(csv.reader(io.StringIO(tags_to_csv(cohort).removeprefix("\ufeff"), newline="")))
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=";", lineterminator="\n").writerows([*row, "", ""] for row in rows)
    assert tags_from_csv(stream.getvalue()) == cohort


@given(cohort=cohorts(with_terminology=False))
def test_no_cell_is_run_by_a_spreadsheet(cohort):
    rows = list(csv.reader(io.StringIO(tags_to_csv(cohort).removeprefix("\ufeff"), newline="")))
    assert rows[0] == list(COLUMNS)
    assert not [cell for row in rows for cell in row if cell.strip().startswith(tuple("=+-@＝＋－＠"))]


@given(cohort=cohorts(with_terminology=False))
def test_settled_tags_say_nothing_of_a_rest(cohort):
    settled = CohortLabels(cohort.classes, [volume.settled(volume.n_slices or 20) for volume in cohort.volumes])
    for volume in tags_from_csv(tags_to_csv(settled)).volumes:
        assert volume.rest_is_absent == {}
    for record, volume in zip(labels_to_json(settled)["volumes"], settled.volumes, strict=True):
        full = {name: not (state == UNTAGGED).any() for name, state in volume.states.items()}
        assert record["rest_is_absent"] == full


@pytest.mark.parametrize("suffix", [".json", ".csv", ".JSON"])
@pytest.mark.parametrize("nasty", NASTY)
def test_files_round_trip(tmp_path, suffix, nasty):
    volume = VolumeLabels(f"scan {nasty}", "ab" * 32, "j", 5, states={nasty: np.array([1, 1, 0, -1, -1])})
    cohort = CohortLabels(ClassTable.from_names([nasty]), [volume])
    path = tmp_path / f"täg s{suffix}"
    write_label_file(path, cohort)
    assert read_label_file(path) == cohort
    assert list(tmp_path.iterdir()) == [path]


def test_spreadsheets_are_told_that_it_is_utf8_only_where_that_matters(tmp_path):
    for name, start in (("plain", b'"volume"'), ("Lüngen", b"\xef\xbb\xbf")):
        write_label_file(tmp_path / "a.csv", CohortLabels(ClassTable.from_names([name])))
        assert (tmp_path / "a.csv").read_bytes().startswith(start)


def test_formula_is_text_in_the_file():
    text = tags_to_csv(CohortLabels(ClassTable.from_names(["=1+1"]), [VolumeLabels("@x", n_slices=1)]))
    assert '"\'=1+1"' in text
    assert '"\'@x"' in text


def test_json_is_fit_for_reading(tmp_path):
    tags = VolumeLabels("case", n_slices=9)
    tags.set_range("Lüngen", 0, 1, ABSENT)
    tags.tag_range("Lüngen", 2, 4)
    write_label_file(tmp_path / "a.json", CohortLabels(ClassTable.from_names(["Lüngen"]), [tags]))
    lines = [line.strip() for line in (tmp_path / "a.json").read_text("utf-8").splitlines()]
    assert '"Lüngen": true' in lines
    assert "[2, 4]" in lines
    assert "[0, 1]" in lines


HAND_WRITTEN = {
    "schema": "weakmedsam-tags",
    "version": 1,
    "classes": [{"name": "lungs"}],
    "volumes": [{"name": "case1", "tags": {"lungs": {"present": [[3, 4], [6, 6]]}}, "rest_is_absent": {"lungs": True}}],
}
HAND_WRITTEN_CSV = "Volume, Class ,first,last,tag,comment\ncase1,lungs,3,4,present,\ncase1, lungs,6,,Present,one\n"


def test_hand_written_json_is_settled_by_the_volume():
    jsonschema.validate(HAND_WRITTEN, SCHEMA)
    (volume,) = labels_from_json(HAND_WRITTEN).volumes
    assert (volume.sha256, volume.axis, volume.n_slices) == (None, "k", None)
    assert volume.settled(8).state("lungs").tolist() == [0, 0, 0, 1, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [("", [-1, -1, -1, 1, 1, -1, 1, -1]), ("case1,lungs,,,absent,\n", [0, 0, 0, 1, 1, 0, 1, 0])],
)
def test_hand_written_csv_is_settled_by_the_volume(rest, expected):
    (volume,) = tags_from_csv(HAND_WRITTEN_CSV + rest).volumes
    assert (volume.sha256, volume.axis, volume.n_slices) == (None, "k", None)
    assert volume.settled(8).state("lungs").tolist() == expected


def test_untagged_is_not_absent_unless_the_file_says_so():
    data = {**HAND_WRITTEN, "volumes": [{"name": "case1", "slices": 3, "tags": {"lungs": {"present": [[0, 0]]}}}]}
    assert labels_from_json(data).volumes[0].state("lungs").tolist() == [1, -1, -1]


def test_rest_alone_makes_a_whole_volume_absent():
    data = {**HAND_WRITTEN, "volumes": [{"name": "healthy", "slices": 3, "rest_is_absent": {"lungs": True}}]}
    assert labels_from_json(data).volumes[0].state("lungs").tolist() == [0, 0, 0]
    (volume,) = tags_from_csv("volume,slices,class,first,last,tag\nhealthy,3,lungs,,,absent\n").volumes
    assert volume.state("lungs").tolist() == [0, 0, 0]


def test_overlapping_ranges_that_agree_are_fine():
    data = {**HAND_WRITTEN, "volumes": [{"name": "a", "tags": {"lungs": {"present": [[0, 3], [2, 4]]}}}]}
    assert labels_from_json(data).volumes[0].state("lungs").tolist() == [1] * 5


def test_csv_gives_what_belongs_to_volume_and_class_once():
    text = (
        f"{HEADER}\n"
        f"a,,,,lungs,,,0,1,present\n"
        f"a,{'AB' * 32},j,4,lungs,9,#0A0b0C,3,3,absent\n"
        "\n"
        f"a,,,,liver,,,2,2,present\n"
    )
    cohort = tags_from_csv(text)
    (volume,) = cohort.volumes
    assert (volume.sha256, volume.axis, volume.n_slices) == ("ab" * 32, "j", 4)
    assert volume.state("lungs").tolist() == [1, 1, -1, 0]
    assert cohort.classes[0].color == (10, 11, 12)
    assert cohort.classes.label_values == [9, 1]


def test_numbering_is_written_and_a_file_without_it_says_nothing():
    said = VolumeLabels("a", n_slices=3, numbering="file")
    unsaid = VolumeLabels("b", n_slices=3)
    cohort = CohortLabels(ClassTable.from_names(["lungs"]), [said, unsaid])
    data = labels_to_json(cohort)
    assert (data["version"], [entry["numbering"] for entry in data["volumes"]]) == (3, ["file", None])
    assert [volume.numbering for volume in tags_from_csv(tags_to_csv(cohort)).volumes] == ["file", None]
    old = {**data, "version": 1, "volumes": [{"name": "a", "slices": 3}]}
    jsonschema.validate(old, SCHEMA)
    assert labels_from_json(old).volumes[0].numbering is None
    assert tags_from_csv("volume,class,first,last,tag\na,lungs,1,,present\n").volumes[0].numbering is None


@pytest.mark.parametrize("cell", ["data probe", "1"])
def test_an_unknown_numbering_is_refused(cell):
    with pytest.raises(UserError, match=f"numbering '{cell}'"):
        tags_from_csv(f"volume,class,first,last,tag,numbering\na,lungs,1,,present,{cell}\n")


def test_csv_keeps_volumes_of_one_name_apart_by_their_hash():
    rows = [f"scan,{letter * 64},k,2,lungs,1,,{index},{index},present" for index, letter in enumerate("ab")]
    cohort = tags_from_csv("\n".join([HEADER, *rows]))
    assert [volume.state("lungs").tolist() for volume in cohort.volumes] == [[1, -1], [-1, 1]]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_dialects(tmp_path, line_end, mark, separator):
    text = mark + HAND_WRITTEN_CSV.replace(",", separator).replace("\n", line_end)
    (tmp_path / "a.csv").write_bytes(text.encode("utf-8"))
    assert read_label_file(tmp_path / "a.csv").volumes[0].state("lungs").tolist() == [-1, -1, -1, 1, 1, -1, 1]


def test_empty_cohort_of_classes_survives():
    cohort = CohortLabels(ClassTable.from_names(["b", "a"]))
    assert tags_from_csv(tags_to_csv(cohort)) == cohort
    assert tags_from_csv(HEADER) == CohortLabels(ClassTable())
