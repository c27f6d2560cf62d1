"""Bad tag files: each is refused with the name of the file, the value and the way out."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import MAX_TEXT_BYTES
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.label_json import labels_from_json, labels_to_json
from WeakMedSAMLib.contract.labels.marks import MOST_MARKS
from WeakMedSAMLib.contract.labels.mrk_json import PlacedVolume
from WeakMedSAMLib.contract.labels.slice_tags_csv import tags_from_csv
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

SCHEMA = json.loads(resources.files("WeakMedSAMLib.contract").joinpath("schemas/tags.schema.json").read_text("utf-8"))
GOOD = {
    "schema": "weakmedsam-tags",
    "version": 3,
    "classes": [
        {"name": "lungs", "color": [1, 2, 3], "label_value": 4, "known": {"side": "left", "largest_ml": 7000}},
        {"name": "liver", "label_value": 5},
    ],
    "volumes": [
        {
            "name": "case1",
            "sha256": "ab" * 32,
            "axis": "k",
            "slices": 10,
            "rest_is_absent": {"lungs": True},
            "tags": {"lungs": {"present": [[2, 4]], "absent": [[0, 1]]}},
            "labels": {
                "points": [{"class": "lungs", "voxel": [7, 8, 2], "shows": False}],
                "boxes": [{"class": "liver", "first": [1, 2, 1], "last": [3, 4, 1], "complete": True}],
            },
        }
    ],
}
MISSING = object()


def _with(place: str, value: object) -> dict:
    """A copy of GOOD with one value replaced (or removed), such as ``volumes.0.axis``."""
    data = copy.deepcopy(GOOD)
    *way, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    target = data
    for step in way:
        target = target[step]
    if value is MISSING:
        del target[last]
    else:
        target[last] = value
    return data


def _refusal(read: Callable[[Any], object], content: Any) -> UserError | None:
    try:
        read(content)
    except UserError as error:
        return error
    return None


# place, value, code, words of the message; all of these the schema refuses as well
AGAINST_THE_SCHEMA = [
    ("schema", "other", "bad_tags", "not a slice tag file"),
    ("schema", MISSING, "bad_tags", "not a slice tag file"),
    ("version", MISSING, "bad_field", "'version'.*null|'version'.*None"),
    ("version", "1", "bad_field", "whole number"),
    ("version", 4, "tags_too_new", "newer version"),
    ("volumes.0.numbering", "data probe", "bad_field", "'numbering' of volume 'case1'"),
    ("version", 0, "bad_tags", "version"),
    ("classes", MISSING, "bad_field", "class table must be a list"),
    ("classes", {"lungs": 1}, "bad_field", "class table must be a list"),
    ("classes.0.label_value", 0, "bad_field", "label value of class 'lungs' is 0"),
    ("classes.0.color", [0, 0, 300], "bad_field", "300"),
    ("classes.0.name", "", "bad_name", "empty"),
    ("volumes", MISSING, "bad_field", "'volumes' of the tag file"),
    ("volumes", {}, "bad_field", "'volumes' of the tag file"),
    ("volumes.0", "case1", "bad_field", "volume 0 must be an object"),
    ("volumes.0.name", MISSING, "bad_field", "'name' of volume 0"),
    ("volumes.0.name", 7, "bad_field", "'name' of volume 0 must be text, not 7"),
    ("volumes.0.name", " ", "bad_name", "empty"),
    ("volumes.0.nmae", "x", "bad_field", "unknown key 'nmae'"),
    ("volumes.0.sha256", "ab", "bad_tags", "'case1' has the sha256 'ab'"),
    ("volumes.0.sha256", 12, "bad_field", "'sha256' of volume 'case1'"),
    ("volumes.0.axis", "axial", "bad_tags", "'axial'.*i, j or k"),
    ("volumes.0.axis", None, "bad_field", "'axis'"),
    ("volumes.0.slices", "10", "bad_field", "'slices' of volume 'case1' must be a whole number or null, not '10'"),
    ("volumes.0.slices", 10.5, "bad_field", "10.5"),
    ("volumes.0.slices", 0, "bad_tags", "1 to 65536"),
    ("volumes.0.slices", 10**12, "bad_tags", "1 to 65536"),
    ("volumes.0.rest_is_absent", True, "bad_field", "'rest_is_absent' of volume 'case1'"),
    ("volumes.0.rest_is_absent.lungs", 1, "bad_field", "'rest_is_absent'"),
    ("volumes.0.tags", [], "bad_field", "'tags' of volume 'case1'"),
    ("volumes.0.tags.lungs", [[2, 4]], "bad_field", "class 'lungs' of volume 'case1' must be an object"),
    ("volumes.0.tags.lungs.presnet", [[2, 4]], "bad_field", "unknown key 'presnet'.*present, absent"),
    ("volumes.0.tags.lungs.present", [2, 4], "bad_field", "'present' of class 'lungs' of volume 'case1'"),
    ("volumes.0.tags.lungs.present", [[2, 3, 4]], "bad_field", "list of 2 values"),
    ("volumes.0.tags.lungs.present", [["2", "4"]], "bad_field", "list of 2 values"),
    ("volumes.0.tags.lungs.present", [[-1, 4]], "bad_tags", "slices -1 to 4"),
    ("volumes.0.tags.lungs.present", [[0, 10**12]], "bad_tags", "slices 0 to 1000000000000"),
    ("volumes.0.labels", [], "bad_field", "'labels' of volume 'case1'"),
    ("volumes.0.labels", {"slice_tags": {}}, "bad_field", "'labels' of volume 'case1' has the key 'slice_tags'"),
    ("volumes.0.size", [5, 5], "bad_field", "'size' of volume 'case1'"),
    ("volumes.0.size", [5, 0, 10], "bad_tags", "has the size"),
    ("volumes.0.labels.points", {}, "bad_field", "'points' of volume 'case1'"),
    ("volumes.0.labels.points.0", [1, 2, 3], "bad_field", "'points' of volume 'case1', number 0 must be an object"),
    ("volumes.0.labels.points.0.class", MISSING, "bad_field", "'class' of 'points' of volume 'case1', number 0"),
    ("volumes.0.labels.points.0.class", 7, "bad_field", "'class'.*not 7"),
    ("volumes.0.labels.points.0.voxel", MISSING, "bad_field", "'voxel'"),
    ("volumes.0.labels.points.0.voxel", [1, 2], "bad_field", "'voxel'.*list of 3 values"),
    ("volumes.0.labels.points.0.voxel", [1, 2, 2.5], "bad_field", r"'voxel'.*not \[1, 2, 2.5\]"),
    ("volumes.0.labels.points.0.voxel", [1, 2, True], "bad_field", r"'voxel'.*not \[1, 2, True\]"),
    ("volumes.0.labels.points.0.voxel", [1, 2, 10**99], "mark_outside", "outside"),
    ("volumes.0.labels.boxes.0.last", [10**9] * 3, "mark_outside", "outside"),
    ("classes.0.known.smallest_ml", -5, "bad_field", "'smallest_ml' is -5"),
    ("classes.0.known.smallest_ml", True, "bad_field", "'smallest_ml'.*not True"),
    ("volumes.0.labels.points.0.voxel", [1, -2, 2], "mark_outside", r"voxel \[1, -2, 2\]"),
    ("volumes.0.labels.points.0.voxel", [70000, 2, 2], "mark_outside", "outside"),
    ("volumes.0.labels.points.0.shows", "no", "bad_field", "'shows'.*true or false"),
    ("volumes.0.labels.points.0.sign", 1, "bad_field", "unknown key 'sign'"),
    ("volumes.0.labels.boxes", "none", "bad_field", "'boxes' of volume 'case1'"),
    ("volumes.0.labels.boxes.0.first", MISSING, "bad_field", "'first'"),
    ("volumes.0.labels.boxes.0.last", [1, 2, 3, 4], "bad_field", "'last'"),
    ("volumes.0.labels.boxes.0.last", "[3,4,1]", "bad_field", "'last'"),
    ("volumes.0.labels.boxes.0.complete", None, "bad_field", "'complete'"),
    ("volumes.0.labels.boxes.0.size", [1, 1, 1], "bad_field", "unknown key 'size'"),
    ("classes.0.known", None, "bad_field", "'known' of class 0"),
    ("classes.0.known.side", "sinister", "bad_field", "'side' of 'known' of class 0"),
    ("classes.0.known.pieces", 2, "bad_field", "'pieces'"),
    ("classes.0.known.brightness", "bright", "bad_field", "'brightness'"),
    ("classes.0.known.largest_ml", 0, "bad_field", "'largest_ml' is 0"),
    ("classes.0.known.largest_ml", "7 l", "bad_field", "'largest_ml'"),
    ("classes.0.known.inside_of", ["liver"], "bad_field", "'inside_of'"),
    ("classes.0.known.sharing", "all", "bad_field", "'sharing'"),
    ("classes.0.known.sides", "left", "bad_field", "unknown key 'sides'"),
]
# the schema cannot say these
BEYOND_THE_SCHEMA = [
    ("classes.1.label_value", 4, "duplicate_label_value", "'lungs' and 'liver' have the same label value 4"),
    ("classes.1.name", "lungs", "duplicate_class", "'lungs'"),
    ("classes.0.name", "lung\u0007s", "bad_name", "control"),
    ("volumes.0.tags.spleen", {"present": []}, "unknown_class", "no class 'spleen'.*'lungs', 'liver'"),
    ("volumes.0.rest_is_absent.spleen", True, "unknown_class", "no class 'spleen'"),
    ("volumes.0.tags.lungs.present", [[4, 2]], "bad_tags", "slices 4 to 2"),
    ("volumes.0.tags.lungs.present", [[2, 10]], "tag_beyond_last_slice", "slice 10.*last slice along k is 9"),
    ("volumes.0.tags.lungs.absent", [[4, 5]], "tags_conflict", "'case1'.*'lungs'.*slice 4 is both present and absent"),
    ("volumes.0.slices", 3, "tag_beyond_last_slice", "slice 4.*last slice along k is 2"),
    ("volumes.0.size", [20, 20, 9], "bad_tags", "10 slices"),
    ("volumes.0.size", [7, 20, 10], "mark_outside", "Voxels along i are 0 to 6"),
    ("volumes.0.labels.points.0.voxel", [1, 2, 10], "mark_outside", "Voxels along k are 0 to 9"),
    ("volumes.0.labels.points.0.class", "spleen", "unknown_class", "no class 'spleen'"),
    ("volumes.0.labels.boxes.0.class", "spleen", "unknown_class", "no class 'spleen'"),
    ("volumes.0.labels.boxes.0.last", [0, 4, 1], "bad_box", "ends before it starts"),
    ("classes.0.known.largest_ml", 10**309, "bad_field", "'largest_ml'"),
    ("classes.0.known.smallest_ml", 8000, "bad_field", "above the largest"),
    ("volumes", [GOOD["volumes"][0]] * 2, "duplicate_volume", "'case1' is listed twice"),
]


@pytest.mark.parametrize(("place", "value", "code", "words"), AGAINST_THE_SCHEMA + BEYOND_THE_SCHEMA)
def test_bad_json_is_refused(tmp_path, place, value, code, words):
    path = tmp_path / "tags.json"
    path.write_text(json.dumps(_with(place, value)), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_label_file(path)
    assert caught.value.code == code
    assert caught.value.message.startswith(f"{path}: ")
    assert caught.match(f"(?s){words}")
    assert caught.value.hint


@pytest.mark.parametrize(("place", "value"), [row[:2] for row in AGAINST_THE_SCHEMA])
def test_schema_refuses_what_the_reader_refuses(place, value):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(_with(place, value), SCHEMA)


def test_more_marks_than_anybody_makes_are_refused_by_both():
    with pytest.raises(UserError, match="100,001"):
        labels_from_json(_with("volumes.0.labels.points", [{}] * (MOST_MARKS + 1)))
    kinds = SCHEMA["$defs"]["volume"]["properties"]["labels"]["properties"]
    assert {kinds[name]["maxItems"] for name in ("points", "boxes")} == {MOST_MARKS}


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(junk)
def test_labels_of_an_unknown_kind_are_kept_whatever_they_are(said):
    data = _with("volumes.0.labels", {"later": said})
    jsonschema.validate(data, SCHEMA)
    assert labels_to_json(labels_from_json(data))["volumes"][0]["labels"] == {"later": said}


def test_schema_is_a_schema_and_takes_the_good_file():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(GOOD, SCHEMA)
    assert labels_from_json(GOOD).volumes[0].state("lungs").tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 0, 0]


@given(
    value=junk,
    place=st.sampled_from([row[0] for row in AGAINST_THE_SCHEMA + BEYOND_THE_SCHEMA if "." in row[0]] + ["volumes"]),
)
def test_no_value_anywhere_gives_another_error(place, value):
    refusal = _refusal(labels_from_json, _with(place, value))
    assert refusal is None or (refusal.message and refusal.hint)


HEADER = "volume,sha256,axis,slices,class,label_value,color,first,last,tag"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "bad_tags", "empty.*volume,sha256"),
        ("\n \n", "bad_tags", "empty"),
        ("volume,class,first,last\na,lungs,1,2", "bad_tags", "column 'tag' is missing"),
        ("volume,volume,class,first,last,tag\n", "bad_tags", "column 'volume' is there twice"),
        (f"{HEADER}\na,,,,lungs,,,1,2,maybe", "bad_tags", "Line 2: the tag is 'maybe'.*present, absent, untagged"),
        (f"{HEADER}\na,,,,lungs,,,1,2,", "bad_tags", "Line 2: the tag is ''"),
        (f"{HEADER}\n\na,,,,lungs,,,x,2,present", "bad_tags", "Line 3: first is 'x'"),
        (f"{HEADER}\na,,,,lungs,,,-1,2,present", "bad_tags", "first is '-1'"),
        (f"{HEADER}\na,,,,lungs,,,1.5,2,present", "bad_tags", "first is '1.5'"),
        (f"{HEADER}\na,,,,lungs,,,1,99999999999,present", "bad_tags", "last is '99999999999'"),
        (f"{HEADER}\na,,,,lungs,,,1,999999999,present", "bad_tags", "slices 1 to 999999999"),
        (f"{HEADER}\na,,,,lungs,,,٣,4,present", "bad_tags", "first is"),
        (f"{HEADER}\na,,,,lungs,,,5,2,present", "bad_tags", "slices 5 to 2"),
        (f"{HEADER}\na,,,,lungs,,,,2,present", "bad_tags", "last slice is 2, the first is blank"),
        (f"{HEADER}\na,,,,lungs,,,,,present", "bad_tags", "present, but on no slice"),
        (f"{HEADER}\na,,,,,,,1,2,present", "bad_tags", "class is blank"),
        (f"{HEADER}\n,,,,lungs,,,1,2,present", "bad_tags", "volume is blank"),
        (
            f"{HEADER}\na,,,,lungs,1,,1,2,present\na,,,,liver,1,,1,2,present",
            "duplicate_label_value",
            "'lungs' and 'liver'",
        ),
        (
            f"{HEADER}\na,,,,lungs,1,,1,2,present\na,,,,lungs,2,,1,2,present",
            "bad_tags",
            "Line 3: label_value.*2, above it is 1",
        ),
        (f"{HEADER}\na,,,,lungs,70000,,1,2,present", "bad_field", "70000"),
        (f"{HEADER}\na,,,,lungs,,red,1,2,present", "bad_tags", "color is 'red'.*#rrggbb"),
        (f"{HEADER}\na,,k,,lungs,,,1,2,present\na,,j,,lungs,,,1,2,present", "bad_tags", "Line 3: axis of volume 'a'"),
        (f"{HEADER}\na,,x,,lungs,,,1,2,present", "bad_tags", "i, j or k"),
        (f"{HEADER}\na,12,,,lungs,,,1,2,present", "bad_tags", "64 hexadecimal"),
        (f"{HEADER}\na,,,0,lungs,,,1,2,present", "bad_tags", "1 to 65536"),
        (f"{HEADER}\na,,,3,lungs,,,1,3,present", "tag_beyond_last_slice", "slice 3.*is 2"),
        (
            f"{HEADER}\na,,,,lungs,,,1,3,present\na,,,,lungs,,,2,2,untagged",
            "tags_conflict",
            "both present and untagged",
        ),
        (f"{HEADER}\na,,,,lungs,,,1,3,present\na,,,,lungs,,,3,5,absent", "tags_conflict", "slice 3 is both"),
        (f"{HEADER}\na,,,,lungs,,,1,3,present,more", "bad_tags", "Line 2: it has 11 cells for 10 columns"),
        (f'{HEADER}\n"a,,,,lungs,,,1,3,present', "bad_tags", "not CSV"),
        (f"{HEADER}\n{'a' * 200_000},,,,lungs,,,1,3,present", "bad_tags", "not CSV"),
        (f'{HEADER}\na,,,,"lu\nngs",,,1,3,present', "bad_name", "control"),
        (f"{HEADER}\na\x00,,,,lungs,,,1,3,present", "bad_", "control|not CSV"),
        (
            f"{HEADER}\na,{'a' * 64},,,lungs,,,1,1,present\na,{'b' * 64},,,lungs,,,1,1,present\na,,,,lungs,,,2,,absent",
            "bad_tags",
            "Line 4: there are 2 volumes named 'a'",
        ),
    ],
)
def test_bad_csv_is_refused(tmp_path, text, code, words):
    path = tmp_path / "tags.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_label_file(path)
    assert caught.value.code.startswith(code)
    assert caught.value.message.startswith(f"{path}: ")
    assert caught.match(f"(?s){words}")
    assert caught.value.hint


@given(
    st.text(max_size=40)
    | st.lists(
        st.lists(st.sampled_from(["a", "", "1", "2", "k", "present", "absent", "'", '"', "lungs"]), max_size=11),
        max_size=4,
    ).map(lambda rows: "\n".join([HEADER, *(",".join(row) for row in rows)]))
)
def test_no_text_gives_another_error(text):
    refusal = _refusal(tags_from_csv, text)
    assert refusal is None or (refusal.message and refusal.hint)


def test_spreadsheet_encoding_is_named(tmp_path):
    (tmp_path / "a.csv").write_bytes(f"{HEADER}\na,,,,Lüngen,,,1,2,present".encode("cp1252"))
    with pytest.raises(UserError, match="CSV UTF-8") as caught:
        read_label_file(tmp_path / "a.csv")
    assert caught.value.code == "not_utf8"


NO_JSON = {
    "empty": (b"", "bad_json", "not valid JSON"),
    "truncated": (b'{"schema": "weakmedsam-t', "bad_json", "not valid JSON"),
    "a key twice": (b'{"version": 3, "version": 2}', "bad_json", "'version' occurs twice"),
    "NaN": (b'{"volumes": [NaN]}', "bad_json", "NaN is not a JSON number"),
    "nested": (b"[" * 20_000_000, "bad_json", "nested too deeply"),
    "Latin-1": ('{"name": "Lüngen"}'.encode("latin-1"), "not_utf8", "not UTF-8"),
    "UTF-16": ("{}".encode("utf-16"), "not_utf8", "not UTF-8"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "not_utf8", "not UTF-8"),
    "null": (b"null", "bad_", "not a"),
}


@pytest.mark.parametrize("name", ["tags.json", "a.mrk.json"])
@pytest.mark.parametrize("kind", NO_JSON)
def test_what_is_no_json_of_labels_is_refused(tmp_path, name, kind):
    content, code, words = NO_JSON[kind]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=words) as caught:
        read_label_file(tmp_path / name, PlacedVolume(VolumeLabels("one", n_slices=3, size=(4, 5, 3)), np.eye(4)))
    assert caught.value.code.startswith(code)
    assert str(tmp_path / name) in caught.value.message


@pytest.mark.parametrize("name", ["tags.txt", "tags", "tags.json.bak", ".json"])
def test_other_suffixes_are_refused_both_ways(tmp_path, name):
    for use in (read_label_file, lambda path: write_label_file(path, CohortLabels(ClassTable()))):
        with pytest.raises(UserError, match=r"\.json, \.csv or \.mrk\.json") as caught:
            use(tmp_path / name)
        assert caught.value.code == "bad_suffix"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_huge_and_missing_files(tmp_path, suffix):
    path = tmp_path / f"tags{suffix}"
    with pytest.raises(UserError, match="does not exist"):
        read_label_file(path)
    with path.open("wb") as stream:
        stream.truncate(MAX_TEXT_BYTES + 1)
    with pytest.raises(UserError, match="larger than") as caught:
        read_label_file(path)
    assert str(path) in caught.value.message
