"""Tagging: classes, tags, undo and files, without Slicer's windows."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_json import labels_to_json, volume_to_json
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.slice_tags_csv import tags_from_csv, tags_to_csv
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels import tag_session
from WeakMedSAMLib.frontend.labels.tag_session import TagSession

KEY, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def session():
    made = TagSession()
    made.ensureVolume("scan", KEY, "k", 20)
    return made


def tags_of(session, key=KEY, name="Lesion"):
    return session.volume(key).state(name).tolist()


def test_a_new_session_has_one_class_with_a_key():
    (entry,) = TagSession().classes
    assert (entry.name, entry.label_value, entry.shortcut) == ("Lesion", 1, "1")


def test_toggle_goes_from_untagged_and_from_absent_to_present_and_back(session):
    session.toggle(KEY, "Lesion", 3)
    assert session.tag(KEY, "Lesion", 3) == PRESENT
    session.toggle(KEY, "Lesion", 3)
    assert session.tag(KEY, "Lesion", 3) == UNTAGGED
    session.setAbsent(KEY, "Lesion", 3)
    assert session.tag(KEY, "Lesion", 3) == ABSENT
    session.toggle(KEY, "Lesion", 3)
    assert session.tag(KEY, "Lesion", 3) == PRESENT


def test_a_range_makes_the_rest_absent_and_a_second_range_adds_to_it(session):
    session.tagRange(KEY, "Lesion", 8, 5, restIsAbsent=True)
    assert session.volume(KEY).counts("Lesion") == (4, 16, 0)
    session.tagRange(KEY, "Lesion", 1, 2, restIsAbsent=False)
    assert session.volume(KEY).counts("Lesion") == (6, 14, 0)
    assert session.undoText == "'Lesion' present on slices 1 to 2"


def test_an_edit_that_changes_nothing_is_no_step(session):
    session.setTag(KEY, "Lesion", 3, PRESENT)
    text = session.undoText
    session.setTag(KEY, "Lesion", 3, PRESENT)
    assert session.undo() == text
    assert not session.canUndo


@pytest.mark.parametrize(("index", "step", "expected"), [(3, 1, 9), (9, 1, 15), (15, 1, 9), (3, -1, 15), (10, -1, 9)])
def test_the_next_untagged_slice_goes_round(session, index, step, expected):
    session.restAbsent(KEY, "Lesion")
    for untagged in (9, 15):
        session.setTag(KEY, "Lesion", untagged, UNTAGGED)
    assert session.nextUntagged(KEY, index, "Lesion", step) == expected
    assert session.nextUntagged(KEY, index, None, step) == expected


def test_no_untagged_slice_is_none(session):
    session.restAbsent(KEY, "Lesion")
    assert session.nextUntagged(KEY, 0, "Lesion") is None


def test_a_class_takes_its_tags_along_when_renamed_and_undo_brings_them_back(session):
    session.tagRange(KEY, "Lesion", 2, 4)
    before = session.exportCohort()
    session.renameClass("Lesion", "  Tumour ")
    assert session.classes.names == ["Tumour"]
    assert tags_of(session, name="Tumour")[2:5] == [PRESENT] * 3
    session.removeClass("Tumour")
    assert not session.classes.names
    session.undo()
    session.undo()
    assert session.exportCohort() == before


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": "Other"}, "duplicate_class"),
        ({"name": " "}, "bad_name"),
        ({"labelValue": 2}, "duplicate_label_value"),
        ({"labelValue": 0}, "bad_field"),
        ({"shortcut": "2"}, "duplicate_shortcut"),
        ({"shortcut": "f"}, "bad_shortcut"),
        ({"shortcut": "s"}, "bad_shortcut"),
        ({"shortcut": "12"}, "bad_shortcut"),
    ],
)
def test_bad_values_of_a_class_are_refused_and_change_nothing(session, fields, code):
    session.addClass("Other")
    before = session.exportCohort()
    with pytest.raises(UserError) as caught:
        session.changeClass("Lesion", **fields)
    assert caught.value.code == code
    assert session.exportCohort() == before


def test_new_classes_are_free_of_clashes(session):
    for _number in range(12):
        session.addClass()
    table = session.classes
    assert len(set(table.label_values)) == 13
    assert len({entry.color for entry in table}) == 13
    assert [entry.shortcut for entry in table] == [*"1234567890", "", "", ""]


def test_the_label_value_of_a_removed_class_is_not_given_to_the_next_but_one(session):
    session.addClass("B")
    session.addClass("C")
    session.removeClass("B")
    assert session.addClass("D").label_value == 4


def test_a_volume_under_a_new_name_keeps_its_tags(session):
    session.tagRange(KEY, "Lesion", 2, 4)
    session.ensureVolume("the same scan", KEY.upper(), "k", 20)
    assert session.volume(KEY).name == "the same scan"
    session.undo()
    assert session.volume(KEY).name == "the same scan"
    assert session.volume(KEY).counts("Lesion") == (0, 0, 20)


def test_a_volume_with_tags_keeps_its_axis_and_one_without_follows(session):
    session.ensureVolume("scan", KEY, "i", 30)
    assert (session.volume(KEY).axis, session.volume(KEY).n_slices) == ("i", 30)
    session.setTag(KEY, "Lesion", 29, PRESENT)
    session.ensureVolume("scan", KEY, "k", 20)
    assert (session.volume(KEY).axis, session.volume(KEY).n_slices) == ("i", 30)
    session.changeAxis(KEY, "k", 20)
    assert session.volume(KEY).counts("Lesion") == (0, 0, 20)
    session.undo()
    assert session.tag(KEY, "Lesion", 29) == PRESENT


def test_tags_of_a_file_without_hash_are_taken_over_when_the_volume_comes():
    cohort = CohortLabels(ClassTable.from_names(["T"]), [VolumeLabels("scan")])
    cohort.volumes[0].tag_range("T", 2, 3)
    session = TagSession(cohort)
    session.ensureVolume("scan", KEY, "k", 10)
    assert session.volume(KEY).counts("T") == (2, 8, 0)
    assert len(session.cohort.volumes) == 1


def test_tags_of_a_file_that_do_not_fit_the_volume_of_their_name_are_set_aside():
    cohort = CohortLabels(ClassTable.from_names(["T"]), [VolumeLabels("scan")])
    cohort.volumes[0].tag_range("T", 20, 30)
    session = TagSession(cohort)
    session.ensureVolume("scan", KEY, "k", 10)
    assert session.volume(KEY).counts("T") == (0, 0, 10)
    assert [volume.name for volume in session.cohort.volumes] == ["scan (tags of another scan)", "scan"]
    session.exportCohort()


def test_import_tells_what_it_did_and_is_one_step(session):
    session.setTag(KEY, "Lesion", 0, ABSENT)
    before = session.exportCohort()
    cohort = CohortLabels(ClassTable.from_names(["T", "Lesion"]), [VolumeLabels("other file", KEY, "k", 20)])
    cohort.volumes[0].tag_range("Lesion", 0, 3, rest_is_absent=False)
    cohort.volumes.append(VolumeLabels("elsewhere", OTHER, "k", 9))
    messages = session.importTags(cohort, [("scan", KEY, {"k": 20})])
    assert session.classes.names == ["Lesion", "T"]
    assert session.volume(KEY).name == "scan"
    assert session.volume(KEY).counts("Lesion") == (4, 0, 16)
    assert any("replaced: 1" in text for text in messages)
    assert any("'elsewhere' is not in the scene" in text for text in messages)
    assert any("label value 1 of 'T'" in text for text in messages)
    session.undo()
    assert session.exportCohort() == before


def test_import_into_an_untouched_session_takes_the_classes_of_the_file(session):
    cohort = CohortLabels(ClassTable.from_names(["A", "B"]), [VolumeLabels("scan")])
    cohort.volumes[0].tag_range("B", 2, 3)
    session.importTags(cohort, [("scan", KEY, {"k": 20})])
    assert session.classes.names == ["A", "B"]
    assert session.volume(KEY).counts("B") == (2, 18, 0)


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        (VolumeLabels("scan", OTHER, "k", 20), "other voxels"),
        (VolumeLabels("scan", KEY, "k", 21), "21 slices"),
        (VolumeLabels("scan", KEY, "j", 20), "another slice direction here than in the file"),
    ],
)
def test_import_says_why_tags_were_not_taken(session, volume, words):
    session.setTag(KEY, "Lesion", 0, ABSENT)
    before = tags_of(session)
    volume.set("Lesion", 5, PRESENT)
    cohort = CohortLabels(ClassTable.from_names(["Lesion"]), [volume])
    messages = session.importTags(cohort, [("scan", KEY, {"i": 9, "j": 20, "k": 20})])
    assert any(words in text for text in messages), messages
    assert tags_of(session) == before


def test_import_names_both_sides_where_names_do_not_meet(session):
    cohort = CohortLabels(ClassTable.from_names(["Lesion"]), [VolumeLabels("1", None, "k", 20)])
    cohort.volumes[0].tag_range("Lesion", 2, 3)
    session.ensureVolume("001", KEY, "k", 20)
    (message, *_) = session.importTags(cohort, [("001", KEY, {"k": 20})])
    assert "no tags for '001'" in message
    assert "'1' is most likely '001'" in message
    session.tagRange(KEY, "Lesion", 5, 6)
    assert not any("most likely" in text for text in session.importTags(cohort, [("001", KEY, {"k": 20})]))


def test_listeners_hear_the_kind_of_change(session):
    heard = []
    session.changed.connect(heard.append)
    session.toggle(KEY, "Lesion", 1)
    session.addClass("B")
    session.renameClass("Lesion", "L")
    session.ensureVolume("second", OTHER, "k", 5)
    session.fromJson("")
    assert heard == ["tags", "classes", "all", "volumes", "all"]


def test_bad_text_of_a_scene_changes_nothing(session):
    before = session.toJson()
    for text in ("{", "[]", '{"schema": "weakmedsam-tags", "version": 99, "classes": [], "volumes": []}'):
        with pytest.raises(UserError):
            session.fromJson(text)
    assert session.toJson() == before


def test_only_what_changed_is_written_anew(monkeypatch):
    session, made = TagSession(), []
    for key in (KEY, OTHER):
        session.ensureVolume(key, key, "k", 12)

    def noted(volume):
        made.append(volume.sha256)
        return volume_to_json(volume)

    monkeypatch.setattr(tag_session, "volume_to_json", noted)
    session.toJson()
    session.setTag(OTHER, "Lesion", 3, PRESENT)
    text = session.toJson()
    assert made == [KEY, OTHER, OTHER]
    session.undo()
    assert json.loads(session.toJson())["volumes"] != json.loads(text)["volumes"]


NAMES, KEYS, SLICES = ("Lesion", "B", "é"), (KEY, OTHER), st.integers(0, 11)
EDITS = st.one_of(
    st.tuples(st.just("toggle"), st.sampled_from(KEYS), st.sampled_from(NAMES), SLICES),
    st.tuples(st.just("setAbsent"), st.sampled_from(KEYS), st.sampled_from(NAMES), SLICES),
    st.tuples(st.just("tagRange"), st.sampled_from(KEYS), st.sampled_from(NAMES), SLICES, SLICES, st.booleans()),
    st.tuples(st.just("restAbsent"), st.sampled_from(KEYS), st.sampled_from(NAMES)),
    st.tuples(st.just("clearTags"), st.sampled_from(KEYS), st.sampled_from(NAMES)),
    st.tuples(st.just("changeAxis"), st.sampled_from(KEYS), st.sampled_from("ijk"), st.just(12)),
    st.tuples(st.just("addClass"), st.sampled_from(NAMES)),
    st.tuples(st.just("removeClass"), st.sampled_from(NAMES)),
    st.tuples(st.just("renameClass"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
)


def edited(edits):
    session = TagSession()
    session.ensureVolume("scan", KEY, "k", 12)
    session.ensureVolume("scan", OTHER, "k", 12)
    states = [session.exportCohort()]
    for name, *arguments in edits:
        try:
            getattr(session, name)(*arguments)
        except UserError:
            continue
        states.append(session.exportCohort())
        # Though only what changed is written anew.
        assert session.toJson() == json.dumps(labels_to_json(session.cohort), ensure_ascii=False)
    return session, states


@given(st.lists(EDITS, max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_undo_and_redo_return_to_the_exact_tags(edits):
    session, states = edited(edits)
    while session.redo():
        pass
    final = session.exportCohort()
    while session.undo():
        pass
    assert session.exportCohort() == states[0]
    while session.redo():
        pass
    assert session.exportCohort() == final


@given(st.lists(EDITS, max_size=20))
@settings(max_examples=40, deadline=None)
def test_tags_return_from_text_and_from_files(edits):
    session, _states = edited(edits)
    cohort = session.exportCohort()
    other = TagSession()
    other.fromJson(session.toJson())
    assert other.exportCohort() == cohort
    fresh = TagSession(CohortLabels(ClassTable()))
    counts = dict.fromkeys("ijk", 12)
    fresh.importTags(tags_from_csv(tags_to_csv(cohort)), [("scan", KEY, counts), ("scan", OTHER, counts)])
    for volume in cohort.volumes:
        for name in cohort.classes.names:
            np.testing.assert_array_equal(fresh.volume(volume.sha256).state(name), volume.state(name))


def test_a_toggle_is_fast_in_a_large_cohort(allowance):
    session = TagSession()
    for _number in range(4):
        session.addClass()
    keys = [f"{number:064x}" for number in range(40)]
    for number, key in enumerate(keys):
        session.ensureVolume(f"scan {number}", key, "k", 500)
        for name in session.classes.names:
            session.tagRange(key, name, 100, 200 + number)
    times = []
    for index in range(200):
        started = time.perf_counter()
        session.toggle(keys[index % 40], "Lesion", index)
        times.append(time.perf_counter() - started)
    print(f"toggle at 500 slices x 5 classes x 40 volumes: median {1000 * np.median(times):.2f} ms")
    assert np.median(times) < 0.002 * allowance


# Labels of other kinds than slice tags, be they of a version to come


def test_labels_of_any_kind_stay_with_their_volume():
    said = {"scribbles": [{"class": "Lesion", "at": [1.5, 2, 3]}]}
    session = TagSession()
    file = VolumeLabels("scan", KEY, n_slices=20, further=said)
    file.tag_range("Lesion", 3, 5)
    session.importTags(CohortLabels(session.classes, [file]))  # it waits for its volume
    session.ensureVolume("scan", KEY, "k", 20)
    assert session.volume(KEY).further == said
    session.toggle(KEY, "Lesion", 8)
    session.renameClass("Lesion", "Tumour")
    session.addClass("Other")
    session.removeClass("Other")
    for step in (session.undo, session.undo, session.redo):
        assert step()
        assert session.volume(KEY).further == said
    other = TagSession()
    other.fromJson(session.toJson())
    other.ensureVolume("scan", KEY, "k", 20)
    kept = (other.volume(KEY), other.exportCohort([KEY]).volumes[0], other.cohortForFile().volumes[0])
    assert [each.further for each in kept] == [said] * 3
    assert "label_kind_unknown" in [problem.code for problem in other.problems([KEY])]


def test_labels_of_any_kind_are_imported_over_tags_and_taken_back(session):
    session.tagRange(KEY, "Lesion", 3, 5)
    file = VolumeLabels("scan", KEY, n_slices=20, further={"scribbles": [1]})
    session.importTags(CohortLabels(session.classes, [file]), [("scan", KEY, {"k": 20})])
    assert session.volume(KEY).further == {"scribbles": [1]}
    assert session.volume(KEY).counts("Lesion").present == 3
    session.undo()
    assert session.volume(KEY).further == {}
    assert not session.hasTags("scribbles")
