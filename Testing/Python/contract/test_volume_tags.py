"""Tags of one volume: ranges, single slices, and volumes whose size is known only later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.labelled_volume import MAX_SLICES
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED, Counts
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels, label_kinds

states = st.lists(st.sampled_from([UNTAGGED, ABSENT, PRESENT]), min_size=1, max_size=30)


@st.composite
def states_and_ranges(draw):
    state = draw(states)
    ends = draw(st.tuples(*[st.integers(0, len(state) - 1)] * 2))
    return np.array(state), ends


def _tags(n_slices: int | None = 10, **states_by_class: list[int]) -> VolumeLabels:
    return VolumeLabels(
        "case", None, "k", n_slices, states={name: np.array(state) for name, state in states_by_class.items()}
    )


def test_first_range_marks_the_rest_absent():
    tags = _tags()
    tags.tag_range("lungs", 3, 5)
    assert tags.state("lungs").tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0]
    assert tags.state("lungs").dtype == np.int8


def test_second_range_adds_a_lesion():
    tags = _tags()
    tags.tag_range("lesion", 1, 2)
    tags.tag_range("lesion", 7, 8)
    assert tags.state("lesion").tolist() == [0, 1, 1, 0, 0, 0, 0, 1, 1, 0]


def test_range_without_the_rest_leaves_it_untagged():
    tags = _tags()
    tags.tag_range("lungs", 9, 8, rest_is_absent=False)
    assert tags.state("lungs").tolist() == [UNTAGGED] * 8 + [PRESENT] * 2


@given(case=states_and_ranges(), rest=st.booleans())
def test_range_semantics(case, rest):
    before, (first, last) = case
    tags = _tags(before.size, a=before)
    tags.tag_range("a", first, last, rest_is_absent=rest)
    after = tags.state("a")
    inside = np.zeros(before.size, bool)
    inside[min(first, last) : max(first, last) + 1] = True
    assert (after[inside] == PRESENT).all()
    assert (after[~inside & (before != UNTAGGED)] == before[~inside & (before != UNTAGGED)]).all()
    assert (after[~inside & (before == UNTAGGED)] == (ABSENT if rest else UNTAGGED)).all()


@given(case=states_and_ranges(), rest=st.booleans())
def test_the_same_range_twice_changes_nothing(case, rest):
    before, (first, last) = case
    once, twice = _tags(before.size, a=before), _tags(before.size, a=before)
    for tags in (once, twice, twice):
        tags.tag_range("a", first, last, rest_is_absent=rest)
    assert once == twice


@given(state=states, data=st.data())
def test_one_slice_at_a_time(state, data):
    index, tag = data.draw(st.integers(0, len(state) - 1)), data.draw(st.sampled_from([UNTAGGED, ABSENT, PRESENT]))
    tags = _tags(len(state), a=state)
    tags.set("a", index, tag)
    assert tags.state("a").tolist() == [*state[:index], tag, *state[index + 1 :]]


@given(state=states)
def test_counts_add_up(state):
    counts = _tags(len(state), a=state).counts("a")
    assert counts == Counts(state.count(PRESENT), state.count(ABSENT), state.count(UNTAGGED))
    assert sum(counts) == len(state)


def test_class_never_tagged_is_untagged():
    tags = _tags(4)
    assert tags.state("new").tolist() == [UNTAGGED] * 4
    assert tags.counts("new") == Counts(0, 0, 4)


def test_states_given_and_returned_are_copies():
    mine = np.zeros(3, np.int8)
    tags = VolumeLabels("case", n_slices=3, states={"a": mine})
    mine[:] = PRESENT
    tags.state("a")[:] = PRESENT
    assert tags.state("a").tolist() == [0, 0, 0]


def test_matrix_follows_the_class_table():
    tags = _tags(2, b=[0, 1], a=[1, -1])
    matrix = tags.matrix(ClassTable.from_names(["a", "b", "c"]))
    assert matrix.dtype == np.int8
    assert matrix.tolist() == [[1, 0, -1], [-1, 1, -1]]
    assert tags.matrix(ClassTable.from_names(["b", "a"])).tolist() == [[0, 1], [1, -1]]
    assert _tags(2).matrix(ClassTable()).shape == (2, 0)


def test_matrix_refuses_a_class_that_is_not_in_the_table():
    with pytest.raises(UserError, match=r"'b'.*'a'"):
        _tags(2, b=[0, 1]).matrix(ClassTable.from_names(["a"]))


def test_matrix_needs_the_number_of_slices():
    with pytest.raises(ValueError, match="not settled"):
        _tags(None).matrix(ClassTable())


@pytest.mark.parametrize("index", [-1, 10, 10**9, True, 2.0, None])
def test_slice_that_is_not_there(index):
    with pytest.raises(UserError, match=r"'case'.*Slices are 0 to 9") as caught:
        _tags(10).set("a", index, PRESENT)
    assert caught.value.code == "slice_out_of_range"


@pytest.mark.parametrize(("first", "last"), [(-1, 3), (3, 10), (10, 3), (12, 15)])
def test_range_that_is_not_there_changes_nothing(first, last):
    tags = _tags(10, a=[ABSENT] * 10)
    with pytest.raises(UserError, match=r"no slice (-1|10|12|15)"):
        tags.tag_range("a", first, last)
    assert tags == _tags(10, a=[ABSENT] * 10)


def test_numpy_slice_numbers_are_fine():
    tags = _tags(10)
    tags.set("a", np.int64(3), PRESENT)
    assert tags.counts("a").present == 1


def test_tag_of_another_value_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="not 2"):
        _tags().set("a", 0, 2)


def test_settling_pads_with_untagged():
    tags = _tags(None, a=[1, 0])
    assert tags.settled(4).state("a").tolist() == [1, 0, -1, -1]
    assert tags.settled(2).state("a").tolist() == [1, 0]
    assert tags.n_slices is None


def test_settling_fills_the_rest_where_asked():
    tags = VolumeLabels("case")
    tags.tag_range("a", 2, 3)
    tags.tag_range("b", 1, 1, rest_is_absent=False)
    settled = tags.settled(5)
    assert settled.state("a").tolist() == [0, 0, 1, 1, 0]
    assert settled.state("b").tolist() == [-1, 1, -1, -1, -1]
    assert settled.rest_is_absent == {}


@given(ranges=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19), st.booleans()), max_size=5))
def test_tagging_before_and_after_settling_is_the_same(ranges):
    early, late = VolumeLabels("case"), VolumeLabels("case", n_slices=20)
    for first, last, rest in ranges:
        early.tag_range("a", first, last, rest)
        late.tag_range("a", first, last, rest)
    assert early.settled(20) == late


@pytest.mark.parametrize("count", [1, 5, 7])
def test_tag_beyond_the_last_slice_names_volume_slice_and_last_valid(count):
    with pytest.raises(UserError, match=rf"'case'.*'a'.*slice 7.*last slice along k is {count - 1};") as caught:
        _tags(None, a=[-1] * 7 + [0]).settled(count)
    assert caught.value.code == "tag_beyond_last_slice"


def test_untagged_slices_beyond_the_end_do_no_harm():
    assert _tags(None, a=[1, -1, -1, -1]).settled(2).state("a").tolist() == [1, -1]


def test_tags_for_another_number_of_slices():
    with pytest.raises(UserError, match=r"'case' are for 10 slices along k; it has 12") as caught:
        _tags(10).settled(12)
    assert caught.value.code == "slice_count_differs"
    assert _tags(10).settled(10) == _tags(10)


@pytest.mark.parametrize("count", [0, -3, MAX_SLICES + 1, 2.5, None, True])
def test_impossible_number_of_slices(count):
    with pytest.raises(UserError, match="number of slices is 1 to"):
        VolumeLabels("case").settled(count)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": ""}, "empty"),
        ({"name": "a\tb"}, "control"),
        ({"name": "a", "axis": "z"}, "i, j or k"),
        ({"name": "a", "sha256": "12ab"}, "64 hexadecimal"),
        ({"name": "a", "sha256": "g" * 64}, "64 hexadecimal"),
        ({"name": "a", "n_slices": 0}, "1 to"),
        ({"name": "a", "n_slices": 3, "states": {"a": [0, 1]}}, "2 tags of 'a' for 3 slices"),
        ({"name": "a", "n_slices": 1, "states": {"a": [2]}}, "-1, 0 and 1"),
        ({"name": "a", "n_slices": 1, "states": {"a": [[0]]}}, "row"),
    ],
)
def test_bad_tags_are_refused(arguments, words):
    with pytest.raises(UserError, match=words):
        VolumeLabels(**arguments)


def test_hash_is_compared_in_lower_case():
    assert VolumeLabels("a", "AB" * 32) == VolumeLabels("a", "ab" * 32)


def test_equality_ignores_classes_that_are_untagged_everywhere():
    assert _tags(2, a=[-1, -1]) == _tags(2)
    assert _tags(2, a=[-1, 0]) != _tags(2)
    assert _tags(2) != _tags(3)


def nowhere_else() -> VolumeLabels:
    """Present on 2 and 3, said to be absent on 5, and nowhere else."""
    volume = VolumeLabels("one", n_slices=7)
    volume.set("liver", 5, ABSENT)
    volume.tag_range("liver", 2, 3)
    return volume


STATED = [UNTAGGED, UNTAGGED, PRESENT, PRESENT, UNTAGGED, ABSENT, UNTAGGED]


def test_what_is_absent_as_the_rest_is_told_from_what_was_said_of_a_slice():
    volume = nowhere_else()
    assert volume.state("liver").tolist() == [0, 0, 1, 1, 0, 0, 0]
    assert volume.stated("liver").tolist() == STATED
    assert volume.turned().stated("liver").tolist() == STATED[::-1]
    assert volume.with_classes({"liver": "l"}).stated("l").tolist() == STATED
    copy = replace(volume)
    copy.set("liver", 6, ABSENT)
    assert copy.stated("liver").tolist() == [*STATED[:6], ABSENT]
    assert (copy != volume, volume.stated("liver").tolist()) == (True, STATED)
    copy.set("liver", 6, UNTAGGED)  # it may be elsewhere: the others are as they were left
    assert copy.stated("liver").tolist() == [0, 0, 1, 1, 0, 0, -1]
    copy.states.pop("liver")
    copy.set_range("liver", 0, 6, ABSENT)
    assert not copy.is_rest_absent("liver")


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_files_keep_what_is_absent_as_the_rest(tmp_path, suffix):
    cohort = CohortLabels(ClassTable.from_names(["liver"]), [nowhere_else()])
    write_label_file(tmp_path / f"a{suffix}", cohort)
    back = read_label_file(tmp_path / f"a{suffix}")
    assert back == cohort
    assert back.volumes[0].stated("liver").tolist() == STATED


def test_any_label_of_a_slice_counts_more_than_that_the_class_is_nowhere_else(monkeypatch):
    volume = replace(nowhere_else(), size=(4, 4, 7))
    monkeypatch.setattr(type(POINTS), "trust", 100)  # less than slice tags
    label_kinds.cache_clear()
    POINTS.put(volume, [Point("liver", (1, 1, 5)), Point("liver", (1, 1, 6))])
    found = volume.presence("liver").tolist()
    label_kinds.cache_clear()
    assert found == [0, 0, 1, 1, 0, 0, 1]
