"""What is known of a class, in tables and files."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.knowledge import Knowledge, proposed_side
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

SCHEMA = json.loads(resources.files("WeakMedSAMLib.contract").joinpath("schemas/tags.schema.json").read_text("utf-8"))


def table(**known):
    return ClassTable.from_json([{"name": "spleen", "known": known}])


def test_what_is_known_comes_back_and_nothing_is_written_where_nothing_is():
    said = {"side": "left", "brightness": "brighter", "pieces": "one", "smallest_ml": 50, "largest_ml": 900.5}
    made = table(**said, inside_of="body", sharing="free")
    assert made[0].known == Knowledge("left", "brighter", "one", 50, 900.5, "body", "free")
    assert ClassTable.from_json(made.to_json()) == made
    file = {"schema": "weakmedsam-tags", "version": 3, "classes": made.to_json(), "volumes": []}
    jsonschema.validate(file, SCHEMA)
    assert "known" not in table().to_json()[0]


@pytest.mark.parametrize(
    "known",
    [
        {"side": "port"},
        {"brightness": 1},
        {"smallest_ml": 0},
        {"largest_ml": -1.0},
        {"smallest_ml": 5, "largest_ml": 4},
        {"sides": "left"},
        {"sharing": None},
    ],
)
def test_bad_knowledge_is_refused(known):
    with pytest.raises(UserError) as caught:
        table(**known)
    assert caught.value.code == "bad_field"


def entry(modifier="^^", region="^^", side="^^"):
    kind = "SCT^123037004^Anatomical Structure~SCT^64033007^Kidney"
    return f"Segmentation category and type~{kind}~{modifier}~Anatomic codes~{region}~{side}"


@pytest.mark.parametrize(
    ("terminology", "side"),
    [
        (entry("SCT^7771000^Left"), "left"),
        (entry("SCT^24028007^Right"), "right"),
        (entry("SRT^G-A101^Left"), "left"),
        (entry(region="SCT^64033007^Kidney", side="SCT^24028007^Right"), "right"),
        (entry("SCT^7771000^Left", "SCT^64033007^Kidney", "SCT^7771000^Left"), "left"),
        (entry("SCT^7771000^Left", "SCT^64033007^Kidney", "SCT^24028007^Right"), None),
        (entry("SCT^51440002^Right and left"), None),
        (entry(), None),
        ("C~SCT^123037004^Anatomical Structure~SCT^87878005^Left Ventricle~^^~A~^^~^^", None),
        ("", None),
        ("~~~~~~", None),
        ("left", None),
        ("a~b~c~SCT^7771000", None),
    ],
)
def test_a_side_is_proposed_by_the_terminology(terminology, side):
    assert proposed_side(terminology) == side


def test_classes_that_are_renamed_or_left_out_leave_no_loose_ends():
    known = [{"name": "liver"}, {"name": "lesion", "known": {"inside_of": "liver", "side": "right"}}, {"name": "other"}]
    made = ClassTable.from_json(known)
    assert made.with_names({"lesion": "tumour", "liver": "hepar"})[0].known == Knowledge("right", inside_of="hepar")
    assert made.with_names({"lesion": "lesion"})[0].known == Knowledge("right")
    assert made.with_names({name: name for name in made.names}) == made
    elsewhere = ClassTable.from_json([{"name": "lesion", "known": {"inside_of": "not there yet"}}])
    assert elsewhere.with_names({"lesion": "lesion"}) == elsewhere
    with pytest.raises(UserError) as caught:
        made.with_names({"spleen": "spleen"})
    assert caught.value.code == "unknown_class"


PRESETS = sorted((Path(__file__).resolve().parents[3] / "WeakMedSAM" / "Resources" / "ClassPresets").glob("*.json"))


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_presets_know_nothing_that_contradicts_itself_or_their_terminology(path):
    classes = ClassTable.from_json(json.loads(path.read_text("utf-8"))["classes"])
    volume = VolumeLabels("one", n_slices=30)
    volume.tag_range(classes[0].name, 3, 9)
    assert [one.code for one in check(CohortLabels(classes, [volume])) if one.code.startswith("inside_of")] == []
    for entry in classes:
        assert proposed_side(entry.terminology) in (None, entry.known.side)
        # Whoever reads "Left kidney" expects that it is said; a ventricle is called left for another reason.
        named = {"Left": "left", "Right": "right"}.get(entry.name.split()[0])
        assert named == entry.known.side or entry.name in (*_BY_FLOW, "Spleen", "Gallbladder")


_BY_FLOW = ("Left ventricle", "Right ventricle", "Left atrium")


def test_presets_of_the_common_organs_bring_sides():
    known = {}
    for path in PRESETS:
        known |= {entry["name"]: entry.get("known", {}) for entry in json.loads(path.read_text("utf-8"))["classes"]}
    sides = {name: entry["side"] for name, entry in known.items() if "side" in entry}
    assert sides == {
        "Right kidney": "right",
        "Left kidney": "left",
        "Spleen": "left",
        "Gallbladder": "right",
        "Right adrenal gland": "right",
        "Left adrenal gland": "left",
        "Right lung": "right",
        "Left lung": "left",
    }
    assert "side" not in known["Liver"]  # its left lobe crosses the middle
