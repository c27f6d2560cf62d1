"""Tags in words, keys, presets, and the picture of the tag strip."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels import volume_labels
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels import tag_keys, tag_words
from WeakMedSAMLib.frontend.labels.class_edits import newClass, withClass
from WeakMedSAMLib.frontend.labels.class_presets import ClassPreset, presets, readPreset, terms, withPreset
from WeakMedSAMLib.frontend.labels.slice_tags.strip_geometry import StripGeometry
from WeakMedSAMLib.frontend.labels.slice_tags.strip_image import columnStates, rowImage, rowsImage, runsOf
from WeakMedSAMLib.frontend.labels.slice_tags.strip_painter import shownState
from WeakMedSAMLib.frontend.labels.terminology import isTerminology, terminologyText
from WeakMedSAMLib.frontend.labels.volume_list import labelWords
from WeakMedSAMLib.frontend.running.estimates import expectedQuality

CLASSES = ClassTable.from_names(["Tumour", "Edema"])


@pytest.fixture
def volume():
    return VolumeLabels("scan", "a" * 64, "k", 155)


class EverySecond:
    """A further kind of label: its data is the name of a class, which every second slice shows and no other."""

    name, trust = "every_second", 300

    def states(self, labels):
        found = labels.further.get(self.name)
        return {} if found is None else {found: (np.arange(labels.n_slices) % 2).astype(np.int8)}

    def said(self, labels):
        return dict.fromkeys(self.states(labels), True)

    class_names = said


@pytest.fixture
def further(monkeypatch):
    """The labels of a volume of which a further kind says something, and no slice tag anything."""
    kinds = {**volume_labels.label_kinds(), EverySecond.name: EverySecond()}
    monkeypatch.setattr(volume_labels, "label_kinds", lambda: kinds)
    return VolumeLabels("scan", "a" * 64, "k", 40, further={EverySecond.name: "Tumour"})


def test_what_a_further_kind_says_counts_as_slice_tags_do(further):
    assert tag_words.isReady(further, "Tumour")
    assert tag_words.countsInWords(further, "Tumour") == "Tumour: 20 present, 20 absent; ready"
    words = labelWords(further, CLASSES)
    assert (words.signs, words.state) == ("●○", "1 of 2 ready")
    assert words.counts == "● Tumour: 20 present, 20 absent\n○ Edema: no tags"
    said = expectedQuality(CohortLabels(CLASSES, [further]))
    assert said.startswith("With one tagged volume")
    assert "Few slices" not in said


def test_counts_in_words_say_what_is_missing(volume):
    assert tag_words.countsInWords(None, "Tumour") == "Tumour: no volume"
    say = lambda: tag_words.countsInWords(volume, "Tumour")  # noqa: E731
    assert say() == "Tumour: no slice tagged yet; set the start and the end of a range"
    volume.tag_range("Tumour", 50, 95, rest_is_absent=False)
    assert say().endswith("109 untagged; tag slices that do not show it, or choose 'Tag the rest as absent'")
    volume.set("Tumour", 0, ABSENT)
    assert say().endswith("46 present, 1 absent, 108 untagged; ready: untagged slices are left out")
    volume.tag_range("Tumour", 50, 95)
    assert say() == "Tumour: 46 present, 109 absent; ready"


def test_a_volume_without_the_class_is_ready_too(volume):
    for index in range(155):
        volume.set("Tumour", index, ABSENT)
    assert tag_words.countsInWords(volume, "Tumour").endswith("155 absent; ready: the class is not in this volume")
    assert tag_words.isReady(volume, "Tumour")
    assert not tag_words.isReady(volume, "Edema")
    assert tag_words.readyInWords(volume, CLASSES) == "1 of 2 classes ready"
    assert tag_words.readyInWords(volume, ClassTable.from_names(["Tumour"])) == "ready"
    assert tag_words.readyInWords(volume, ClassTable.from_names(["Edema"])) == "not ready"
    assert tag_words.readyInWords(volume, ClassTable()) == tag_words.readyInWords(None, CLASSES) == ""


def test_what_is_said_of_the_whole_volume_is_in_words_and_in_the_row(volume):
    SCAN_TAGS.put(volume, {"Tumour": False, "Edema": True})
    volume.set("Tumour", 3, ABSENT)
    assert tag_words.countsInWords(volume, "Tumour") == "Tumour: not in this volume; ready"
    assert tag_words.countsInWords(volume, "Edema") == "Edema: in this volume, nobody says on which slices; ready"
    assert tag_words.isReady(volume, "Tumour")
    assert tag_words.isReady(volume, "Edema")
    assert tag_words.sliceInWords(volume, "Tumour", 5) == "slice 5: Tumour is not in this volume"
    assert tag_words.sliceInWords(volume, "Tumour", 3) == "slice 3: - Tumour absent"
    assert (shownState(volume, "Tumour") == ABSENT).all()
    assert (shownState(volume, "Edema") == UNTAGGED).all()


def test_a_slice_in_words_is_readable_without_colour(volume):
    volume.set("Tumour", 41, PRESENT)
    volume.set("Tumour", 42, ABSENT)
    said = [tag_words.sliceInWords(volume, "Tumour", index) for index in (41, 42, 43)]
    assert said == ["slice 41: + Tumour present", "slice 42: - Tumour absent", "slice 43: ? Tumour untagged"]
    assert tag_words.sliceInWords(volume, "", 41) == "slice 41"
    assert tag_words.sliceInWords(volume, "Tumour", None) == ""
    assert tag_words.sliceInWords(None, "Tumour", 1) == ""


def test_problems_tell_what_is_needed_from_what_would_help():
    problems = [
        Problem("error", "a", "A is nowhere.", "Tag it."),
        Problem("error", "a", "B is nowhere.", "Tag it."),
        Problem("warning", "b", "Few.", "Tag more."),
    ]
    said = tag_words.problemsInWords(problems).split("\n")
    assert said == ["Still missing: A is nowhere. B is nowhere. Tag it.", "Note: Few. Tag more."]


def test_no_key_has_two_meanings_and_none_is_slicers():
    table = ClassTable()
    for _number in range(10):
        table = withClass(table, newClass(table))
    entries = [*tag_keys.fixedKeys(), *tag_keys.classKeys(table)]
    keys = [key for entry in entries for key in entry.keys]
    assert len(keys) == len(set(keys))
    assert not {key.upper() for key in keys} & tag_keys.SLICER_KEYS
    assert not {"Left", "Right", "Up", "Down"} & set(keys)


@pytest.mark.parametrize("key", [*"bfgrtvBFGRTV[]{}", "s", "E", "Left", "F1", "é", " ", "1 2", "!"])
def test_keys_that_are_taken_or_no_keys_are_refused(key):
    with pytest.raises(UserError):
        tag_keys.requireShortcut(key if key.strip() else "12")


def test_all_keys_are_in_the_help():
    html = tag_keys.keysAsHtml(ClassTable([newClass(ClassTable(), name="<b>")]))
    assert "&lt;b&gt;" in html
    for entry in tag_keys.fixedKeys():
        assert all(key in html for key in entry.keys)


def test_the_help_says_what_the_keyboard_says():
    from WeakMedSAMLib.frontend.labels.slice_tags.slice_keys import keyName

    html = tag_keys.keysAsHtml(ClassTable([newClass(ClassTable(), name="A")]), keyName)
    assert "<b>Esc</b>" in html
    assert "Escape" not in html
    mac = tag_keys.keysAsHtml(ClassTable([newClass(ClassTable(), name="A")]), lambda key: key.replace("Shift+", "⇧"))
    assert "<b>1, ⇧1</b>" in mac
    assert "<b>⇧N</b>" in mac


@pytest.mark.parametrize(("ends", "words"), [((5, 5), "on slice 5"), ((9, 5), "on slices 5 to 9")])
def test_a_range_of_one_slice_is_one_slice(ends, words):
    assert tag_words.rangeInWords("A", PRESENT, *ends) == f"'A' present {words}"


@pytest.mark.parametrize("text", ["O'Brien", '"', "12"])
def test_a_key_that_is_refused_is_shown_as_it_was_typed(text):
    with pytest.raises(UserError) as caught:
        tag_keys.requireShortcut(text)
    assert caught.value.message == f"The key '{text}' cannot be used."


def test_every_preset_is_sound():
    found = presets()
    assert len(found) >= 6
    for preset in found:
        assert preset.classes
        for entry in preset.classes:
            assert entry.terminology == "" or isTerminology(entry.terminology)
    assert terms(found)["Neoplasm, Liver"].count("~") == 6


def test_terminology_in_words():
    code = "SCT^1^"
    text = f"context~{code}Anatomical Structure~{code}Lung~{code}Right~regions~^^~^^"
    assert terminologyText(text) == "Lung (Right)"
    assert terminologyText("") == ""
    assert terminologyText("something else") == ""


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"schema": "x"}, {"name": 3}, {"classes": [{"name": ""}]}, {"classes": 1}]
)
def test_a_bad_preset_is_left_out(tmp_path, change):
    data = {"schema": "weakmedsam-class-preset", "version": 1, "name": "p", "classes": [{"name": "A"}]}
    path = tmp_path / "p é.json"
    path.write_text(json.dumps(data), "utf-8")
    assert readPreset(path).classes.names == ["A"]
    path.write_text(json.dumps({**data, **change}), "utf-8")
    assert presets(tmp_path) == []


def test_a_preset_joins_a_table_without_clashes():
    preset = ClassPreset("p", ClassTable.from_names(["A", "B"]))
    table = withPreset(ClassTable.from_names(["B", "C"]), preset, replaceAll=False)
    assert table.names == ["B", "C", "A"]
    assert len(set(table.label_values)) == 3
    assert withPreset(table, preset, replaceAll=True).names == ["A", "B"]


@given(st.integers(1, 3000), st.integers(1, 900), st.data())
def test_columns_and_places_agree_with_slices(count, width, data):
    index = data.draw(st.integers(0, count - 1))
    places = StripGeometry(width + 100, 14, 60, count, 3)
    assert abs(places.sliceAt(places.sliceMiddle(index)) - index) <= count // places.trackWidth + 1
    if count <= places.trackWidth:
        assert places.sliceAt(places.sliceMiddle(index)) == index
        assert places.sliceAt(places.sliceLeft(index)) == index
    state = np.full(count, ABSENT, np.int8)
    state[index] = PRESENT
    columns = columnStates(state, width)
    assert columns.size == width
    # However many slices share a column, the one that is present is seen.
    assert (columns == PRESENT).any()


def test_rows_and_their_gaps():
    places = StripGeometry(400, 14, 60, 10, 3)
    rows = [places.rowAt(y) for y in range(places.height + 20)]
    assert [row for row, _group in itertools.groupby(rows)] == [None, 0, 1, 2, None]
    assert places.sliceAt(-50) == 0
    assert places.sliceAt(5000) == 9


def test_further_rows_are_scrolled_to():
    places = StripGeometry(400, 14, 60, 10, 9, first=2)
    assert places.height == StripGeometry(400, 14, 60, 10, 6).height
    assert list(places.seen) == [2, 3, 4, 5, 6, 7]
    assert [places.rowAt(places.rowTop(row) + 1) for row in places.seen] == list(places.seen)
    assert places.rowAt(places.top - 1) is None
    assert places.rowAt(places.height) is None


def test_runs_of_equal_tags():
    state = np.array([PRESENT, PRESENT, ABSENT, UNTAGGED, UNTAGGED], np.int8)
    assert runsOf(state) == [(0, 1, PRESENT), (2, 2, ABSENT), (3, 4, UNTAGGED)]
    assert runsOf(state, 2) == [(0, 1, PRESENT), (3, 4, UNTAGGED)]
    assert runsOf(state[:1]) == [(0, 0, PRESENT)]


def test_tags_differ_in_shape_and_not_only_in_colour():
    state = np.array([PRESENT, ABSENT, UNTAGGED], np.int8)
    white, black = (255, 255, 255), (0, 0, 0)
    image = rowImage(state, (30, 15), white, white, black)
    present, absent, untagged = (image[:, 10 * number + 3 : 10 * number + 7] for number in range(3))
    # The class colour is the background's: only shape is left to tell them apart.
    assert (present[0] == 0).all()
    assert (present[-1] == 0).all()
    assert (absent[7] < 200).any()
    assert (absent[0] == 255).all()
    assert (untagged == 255).all()
    assert len(rowsImage([image, image])) == 2 * 15 * 30 * 4
