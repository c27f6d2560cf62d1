"""Undo and redo of each volume by itself, in a session of two."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels.tag_session import TagSession

KEY, OTHER = "a" * 64, "b" * 64
NAMES, KEYS = ("Lesion", "B"), (KEY, OTHER)
EDITS = st.one_of(
    st.tuples(st.just("toggle"), st.sampled_from(KEYS), st.sampled_from(NAMES), st.integers(0, 11)),
    st.tuples(st.just("restAbsent"), st.sampled_from(KEYS), st.sampled_from(NAMES)),
    st.tuples(st.just("addClass"), st.just("B")),
    st.tuples(st.just("removeClass"), st.just("B")),
    st.tuples(st.just("renameClass"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
)
MOVES = st.lists(st.tuples(st.sampled_from(("undo", "redo")), st.sampled_from(KEYS)), max_size=20)


@pytest.fixture
def session():
    return two_volumes()


def two_volumes():
    made = TagSession()
    for name, key in (("scan A", KEY), ("scan B", OTHER)):
        made.ensureVolume(name, key, "k", 12)
    return made


def move(session, name, key):
    """Undo or redo; says whether anything was done."""
    try:
        return getattr(session, name)(key) != ""
    except UserError:
        return False


def tags(session):
    return [[session.tag(key, "Lesion", index) for index in (3, 4)] for key in KEYS]


def test_a_volume_takes_back_what_was_done_to_it_and_no_other(session):
    session.setTag(KEY, "Lesion", 3, PRESENT)
    session.setTag(OTHER, "Lesion", 3, PRESENT)
    session.setTag(OTHER, "Lesion", 4, PRESENT)
    assert session.undo(KEY) == "'Lesion' present on slice 3"
    assert tags(session) == [[UNTAGGED, UNTAGGED], [PRESENT, PRESENT]]
    assert session.undo(KEY) == ""
    assert session.undo(OTHER) == "'Lesion' present on slice 4"
    assert session.redo(KEY) == "'Lesion' present on slice 3"
    assert tags(session) == [[PRESENT, UNTAGGED], [PRESENT, UNTAGGED]]
    assert session.redo(OTHER) == "'Lesion' present on slice 4"
    # Without a volume, the last of all, as scripts have it.
    assert [session.undo() for _step in range(3)] == [f"'Lesion' present on slice {index}" for index in (4, 3, 3)]


def test_classes_are_taken_back_in_any_volume_but_not_from_under_another_one(session):
    session.addClass("B")
    session.setTag(OTHER, "B", 3, PRESENT)
    assert session.lastStep(KEY).text == "new class 'B'"
    with pytest.raises(UserError, match=r"something was done since: scan B") as caught:
        session.undo(KEY)
    assert caught.value.code == "done_elsewhere"
    assert ([*session.classes.names], session.tag(OTHER, "B", 3)) == (["Lesion", "B"], PRESENT)
    session.undo(OTHER)
    assert session.undoProblem(KEY) is None
    session.undo(KEY)
    assert [*session.classes.names] == ["Lesion"]
    # What comes first is done again first.
    assert session.redo(OTHER) == "new class 'B'"


def test_what_was_taken_back_elsewhere_since_is_done_again_before_classes(session):
    session.setTag(OTHER, "Lesion", 3, PRESENT)
    session.addClass("B")
    session.undo(KEY)
    session.undo(OTHER)
    with pytest.raises(UserError, match=r"something was taken back since: scan B") as caught:
        session.redo(KEY)
    assert (caught.value.code, [*session.classes.names]) == ("undone_elsewhere", ["Lesion"])
    session.redo(OTHER)
    assert session.redo(KEY) == "new class 'B'"


def test_an_import_of_two_volumes_is_not_taken_back_from_under_one_of_them(session):
    files = [VolumeLabels(name, key, n_slices=12) for name, key in (("scan A", KEY), ("scan B", OTHER))]
    for file in files:
        file.tag_range("Lesion", 3, 3)
    inScene = [(name, key, {"k": 12}) for name, key in (("scan A", KEY), ("scan B", OTHER))]
    session.importTags(CohortLabels(session.classes, files), inScene)
    session.setTag(OTHER, "Lesion", 4, PRESENT)
    assert not move(session, "undo", KEY)
    session.undo(OTHER)
    assert session.undo(KEY) == "import of tags"
    assert tags(session) == [[UNTAGGED, UNTAGGED]] * 2


@given(st.lists(EDITS, max_size=20), MOVES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_in_whatever_order_volumes_go_back_all_is_as_it_was(edits, moves):
    session = two_volumes()
    first = session.exportCohort()
    for name, *arguments in edits:
        try:
            getattr(session, name)(*arguments)
        except UserError:
            continue
    last = session.exportCohort()
    for name, key in moves:
        other = OTHER if key == KEY else KEY
        step = session.lastStep(key) if name == "undo" else session.nextStep(key)
        before = session.exportCohort([other]), session.exportCohort([key])
        moved = move(session, name, key)
        if step is not None and other not in step.volumes and step.classes is None:
            assert moved
            assert session.exportCohort([other]) == before[0]
        if not moved:
            assert (session.exportCohort([other]), session.exportCohort([key])) == before
    for name, end in (("redo", last), ("undo", first), ("redo", last)):
        while any(move(session, name, key) for key in KEYS):
            pass
        assert session.exportCohort() == end
