"""Tags of a cohort: whose they are, and what stands in the way of learning from them."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels import volume_labels
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.matching import find_labels
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED, Counts
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.slice_tags import overlaps
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels, label_kinds

A, B, C = "a" * 64, "b" * 64, "c" * 64
LUNGS = ClassTable.from_names(["lungs"])
PAIR = ClassTable.from_names(["edema", "core"])
HALF = [1] * 20 + [0] * 20


def _volume(name: str, sha256: str | None = None, **states: list[int]) -> VolumeLabels:
    n_slices = len(next(iter(states.values()))) if states else None
    return VolumeLabels(name, sha256, "k", n_slices, states={key: np.array(state) for key, state in states.items()})


def _codes(classes: ClassTable, volumes: list[VolumeLabels], severity: str | None = None) -> list[str]:
    return [problem.code for problem in check(CohortLabels(classes, volumes)) if severity in (None, problem.severity)]


def test_volume_is_found_by_hash_whatever_its_name():
    first, second = _volume("scan", A), _volume("scan", B)
    cohort = CohortLabels(LUNGS, [first, second])
    assert cohort.volume_for("renamed", B) is second
    assert cohort.volume_for("scan", A.upper()) is first


def test_volume_without_a_hash_is_found_by_name():
    hand_written, exported = _volume("one"), _volume("two", A)
    cohort = CohortLabels(LUNGS, [hand_written, exported])
    assert cohort.volume_for("one", C) is hand_written
    assert cohort.volume_for("two", None) is exported


def test_volume_without_tags():
    assert CohortLabels(LUNGS, [_volume("one", A)]).volume_for("two", B) is None
    assert CohortLabels(LUNGS, []).volume_for("two", None) is None


def test_tags_for_other_voxels_are_refused():
    with pytest.raises(UserError, match=r"'one'.*aaaaaaaaaaaa\.\.\..*bbbbbbbbbbbb\.\.\.") as caught:
        CohortLabels(LUNGS, [_volume("one", A)]).volume_for("one", B)
    assert caught.value.code == "tags_for_other_volume"
    # Without it the tags would be taken by name, and of a left-handed volume nobody could tell which slices are meant.
    assert "hash" not in caught.value.hint


def test_name_alone_is_not_enough_where_several_share_it():
    with pytest.raises(UserError, match="2 tagged volumes are named 'scan'") as caught:
        CohortLabels(LUNGS, [_volume("scan", A), _volume("scan", B)]).volume_for("scan", None)
    assert caught.value.code == "ambiguous_volume"


def test_composed_and_decomposed_names_are_the_same():
    composed, decomposed = (unicodedata.normalize(form, "Schädel") for form in ("NFC", "NFD"))
    cohort = CohortLabels(LUNGS, [_volume(decomposed)])
    assert composed != decomposed
    assert cohort.volume_for(f"{composed} ", A) is cohort.volumes[0]


@pytest.mark.parametrize(
    "volumes",
    [
        [("one", A), ("two", A)],
        [("one", None), ("one", None)],
        [("one", A), ("one", None)],
        [("one", None), ("one ", B)],
    ],
)
def test_volumes_that_cannot_be_told_apart_are_refused(volumes):
    with pytest.raises(UserError, match="listed twice") as caught:
        CohortLabels(LUNGS, [_volume(*volume) for volume in volumes])
    assert caught.value.code == "duplicate_volume"


@pytest.mark.parametrize(
    "volume",
    [_volume("one", spleen=[0, 1]), VolumeLabels("one", rest_is_absent={"spleen": True})],
    ids=["tags", "rest"],
)
def test_tags_of_an_unknown_class_are_refused(volume):
    with pytest.raises(UserError, match=r"'spleen'.*'lungs'") as caught:
        CohortLabels(LUNGS, [volume])
    assert caught.value.code == "unknown_class"


def test_counts_are_those_of_all_volumes():
    cohort = CohortLabels(LUNGS, [_volume("one", lungs=[1, 0, -1]), _volume("two", lungs=[1, 1, 1])])
    assert cohort.counts("lungs") == Counts(4, 1, 1)
    assert CohortLabels(LUNGS).counts("lungs") == Counts(0, 0, 0)
    with pytest.raises(UserError, match="spleen"):
        cohort.counts("spleen")


def test_nothing_to_say_about_a_good_cohort():
    volumes = [_volume(f"case {number}", f"{number:064x}", lungs=HALF) for number in range(8)]
    assert check(CohortLabels(LUNGS, volumes)) == []


@pytest.mark.parametrize(
    ("classes", "states", "code"),
    [
        (ClassTable(), {}, "no_classes"),
        (LUNGS, {}, "no_tags"),
        (LUNGS, {"lungs": [-1, -1]}, "no_tags"),
        (LUNGS, {"lungs": [0, -1]}, "class_never_present"),
        (LUNGS, {"lungs": [1, -1]}, "class_never_absent"),
        (PAIR, {"edema": HALF}, "class_never_present"),
    ],
)
def test_what_stops_a_run(classes, states, code):
    problems = check(CohortLabels(classes, [_volume("one", A, **states)]))
    assert (problems[0].severity, problems[0].code) == ("error", code)
    assert problems[0].hint
    assert [problem.severity for problem in problems] == sorted(problem.severity for problem in problems)


def test_class_problems_name_the_class_and_a_way_out():
    found = {problem.code: problem for problem in check(CohortLabels(PAIR, [_volume("one", A, edema=[1, 1])]))}
    assert "'edema'" in found["class_never_absent"].message
    assert "do not show it" in found["class_never_absent"].hint
    assert "'core'" in found["class_never_present"].message
    assert found["class_never_present"].hint == "Tag a slice that shows it, or remove the class. Present: 'edema'."


def test_absent_slices_of_another_volume_count():
    volumes = [_volume("one", A, lungs=[1] * 40), _volume("two", B, lungs=[0] * 40)]
    assert _codes(LUNGS, volumes, "error") == []


def test_rest_that_is_absent_later_counts():
    tags = VolumeLabels("one", A)
    tags.tag_range("lungs", 3, 9)
    assert _codes(LUNGS, [tags], "error") == []


def test_healthy_volumes_of_unknown_size_count_as_tagged():
    tagged = _volume("one", A, lungs=HALF)
    healthy = [VolumeLabels(f"{number}", f"{number:064x}", rest_is_absent={"lungs": True}) for number in range(7)]
    assert _codes(LUNGS, [tagged, *healthy]) == []


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        ([1] * 20 + [0] * 9, "few_absent_slices", "absent on 9 slices"),
        ([1] * 4 + [0] * 20, "few_present_slices", "present on 4 slices"),
        ([1] + [0] * 20, "few_present_slices", "present on 1 slice only"),
    ],
)
def test_few_slices_are_a_warning(state, code, words):
    found = {problem.code: problem for problem in check(CohortLabels(LUNGS, [_volume("one", A, lungs=state)]))}
    assert found[code].severity == "warning"
    assert words in found[code].message


@pytest.mark.parametrize(
    ("tagged", "code"), [(1, "one_volume"), (2, "few_volumes"), (7, "few_volumes"), (8, None), (20, None)]
)
def test_few_volumes_are_a_warning(tagged, code):
    volumes = [_volume(f"{number}", f"{number:064x}", lungs=HALF) for number in range(tagged)]
    untagged = [VolumeLabels(f"untagged {number}", f"{number + 500:064x}") for number in range(10)]
    assert _codes(LUNGS, volumes + untagged) == ([code] if code else [])


def test_volumes_matched_by_name_are_a_warning():
    volumes = [_volume(f"case {number}", None, lungs=HALF) for number in range(8)]
    problems = check(CohortLabels(LUNGS, volumes))
    assert [problem.code for problem in problems] == ["matched_by_name"]
    assert "8 volumes, such as 'case 0'" in problems[0].message


def test_classes_on_nearly_the_same_slices_are_a_warning():
    states = {"edema": [1] * 20 + [0] * 20, "core": [1] * 19 + [0] * 21}
    volumes = [_volume(f"{number}", f"{number:064x}", **states) for number in range(8)]
    hint = "Tags alone cannot tell them apart: merge them, or tag volumes where one appears without the other."
    message = "The classes 'edema' and 'core' are tagged on nearly the same slices."
    assert check(CohortLabels(PAIR, volumes)) == [
        Problem("warning", "classes_overlap", message, hint, {"names": ["edema", "core"]})
    ]


def test_one_volume_that_tells_the_classes_apart_ends_the_warning():
    same = [_volume(f"{number}", f"{number:064x}", edema=HALF, core=HALF) for number in range(8)]
    other = _volume("other", A, edema=HALF, core=[0] * 40)
    assert "classes_overlap" in _codes(PAIR, same)
    assert "classes_overlap" not in _codes(PAIR, [*same, other])


@pytest.mark.parametrize(
    ("names", "alike"),
    [(["Tumor", "tumor"], True), (["left lung", "left_lung"], True), (["label 1", "label 2"], False)],
)
def test_a_class_that_is_written_in_two_ways_is_a_warning(names, alike):
    half = dict.fromkeys(names, HALF) | {names[1]: HALF[::-1]}
    volumes = [_volume(f"{number}", f"{number:064x}", **half) for number in range(8)]
    assert _codes(ClassTable.from_names(names), volumes) == (["classes_alike"] if alike else [])


def test_an_unknown_class_comes_with_the_likely_one():
    with pytest.raises(UserError, match=r"no class 'Lung'\. Is it 'lungs'\? Known classes: 'lungs'\."):
        LUNGS.index("Lung")


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30), st.integers(1, 3))
def test_overlap_is_the_jaccard_index(pairs, parts):
    chunks = [chunk for chunk in np.array_split(np.array(pairs, dtype=int), parts) if len(chunk)]
    volumes = [
        _volume(f"{number}", edema=chunk[:, 0].tolist(), core=chunk[:, 1].tolist())
        for number, chunk in enumerate(chunks)
    ]
    found = overlaps(PAIR, volumes)
    either, both = sum(a or b for a, b in pairs), sum(a and b for a, b in pairs)
    assert [overlap.jaccard for overlap in found] == ([both / either] if either else [])


def test_overlap_names_pairs_in_table_order():
    table = ClassTable.from_names(["a", "b", "c"])
    found = overlaps(table, [_volume("one", a=[1, 0], b=[1, 1], c=[0, 0])])
    assert [(overlap.first, overlap.second, overlap.jaccard) for overlap in found] == [
        ("a", "b", 0.5),
        ("a", "c", 0.0),
        ("b", "c", 0.0),
    ]
    assert overlaps(table, []) == []


class OneSlice:
    """A further kind of label: its data is the name of a class, and the slice that shows it."""

    name, trust = "one_slice", 300

    def states(self, labels):
        if self.name not in labels.further:
            return {}
        class_name, index = labels.further[self.name]
        return {class_name: np.where(np.arange(labels.n_slices) == index, PRESENT, UNTAGGED).astype(np.int8)}

    def class_names(self, labels):
        return [labels.further[self.name][0]] if self.name in labels.further else []

    def said(self, labels):
        return dict.fromkeys(self.class_names(labels), True)

    def settle(self, labels):
        """It is of any volume."""

    def turn(self, labels):
        class_name, index = labels.further[self.name]
        labels.further[self.name] = class_name, labels.n_slices - 1 - index


class LeftHanded:
    """A `HeldVolume` of which nothing says how its slices are counted."""

    name, sha256, has_two_numberings = "case", "a" * 64, True

    def order_of(self, sha256):
        return None

    def reverses(self, numbering):
        return numbering == "file"


def test_what_labels_of_another_kind_would_mean_is_said_where_their_numbering_is_not(monkeypatch):
    kinds = {**label_kinds(), OneSlice.name: OneSlice()}
    monkeypatch.setattr(volume_labels, "label_kinds", lambda: kinds)
    cohort = CohortLabels(LUNGS, [VolumeLabels("case", further={OneSlice.name: ("lungs", 1)})])
    with pytest.raises(UserError) as caught:
        find_labels(cohort, LeftHanded(), {"k": 7})
    assert caught.value.code == "numbering_unsaid"
    slices = {"slicer": {"lungs": "1"}, "file": {"lungs": "5"}}
    assert caught.value.values == {"name": "case", "tag": "present", **slices}
