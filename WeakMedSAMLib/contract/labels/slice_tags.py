"""Slice tags, a kind of label: which slices show a class, which do not, and which nobody has looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.fields import require_fit, require_object
from WeakMedSAMLib.contract.labels.labelled_volume import LabelledVolume
from WeakMedSAMLib.contract.labels.presence import (
    ABSENT,
    PRESENT,
    TAG_NAMES,
    UNTAGGED,
    Counts,
    count_slices,
    take_first_said,
)
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.spans import Span, paint, spans_of

NEARLY_THE_SAME = 0.95
# The keys of a volume in a tag file that are slice tags.
FIELDS = ("rest_is_absent", "tags")


@dataclass(eq=False)
class SliceTags(LabelledVolume):
    """A volume with the tags of its slices.

    Attributes
    ----------
    states : dict
        Class name -> int8 array (n_slices,) of `PRESENT`, `ABSENT`, `UNTAGGED`. A class that is not in it is untagged
        everywhere. While `n_slices` is None the arrays reach as far as the last slice that was tagged.
    rest_is_absent : dict
        Class name -> True where all slices still untagged become absent once `n_slices` is known. Always empty when it
        is known.
    by_rest : dict
        Class name -> bool array (n_slices,): slices that were made absent because the class is nowhere else. Nobody
        said so of the slice itself: see `stated`.

    Raises
    ------
    UserError
        ``bad_name``, ``bad_tags``.
    """

    states: dict[str, np.ndarray] = field(default_factory=dict)
    rest_is_absent: dict[str, bool] = field(default_factory=dict)
    by_rest: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.states = {name: self._checked_state(name, state) for name, state in self.states.items()}
        self.rest_is_absent = {name: True for name, rest in self.rest_is_absent.items() if rest}
        self.by_rest = {name: np.array(row, bool) for name, row in self.by_rest.items() if name in self.states}
        if self.n_slices is not None:
            self.fill_rest(self.n_slices)

    def set(self, class_name: str, index: int, tag: int) -> None:
        """Tag one slice (0-based); `UserError` ``slice_out_of_range`` if there is no such slice."""
        self.set_range(class_name, index, index, tag)

    def set_range(self, class_name: str, first: int, last: int, tag: int) -> None:
        """Tag the slices from `first` to `last`, both inclusive; `UserError` ``slice_out_of_range``."""
        for index in (first, last):
            self.require_slice(index)
        self._reached(class_name, last)[first : last + 1] = _checked_tag(tag)
        if class_name in self.by_rest:
            self.by_rest[class_name][first : last + 1] = False

    def tag_range(self, class_name: str, first: int, last: int, rest_is_absent: bool = True) -> None:
        """Tag the slices from `first` to `last` (both inclusive, in either order) present.

        Absent slices inside become present, so that a second lesion can be added. With `rest_is_absent` every slice
        that is still untagged becomes absent. Slices that are present stay present, wherever they are.

        Raises
        ------
        UserError
            ``slice_out_of_range``.
        """
        self.set_range(class_name, min(first, last), max(first, last), PRESENT)
        if rest_is_absent:
            self.set_rest_absent(class_name)

    def set_rest_absent(self, class_name: str) -> None:
        """Say that the class is nowhere else: every slice that is still untagged becomes absent."""
        self.rest_is_absent[class_name] = True
        if self.n_slices is not None:
            self.fill_rest(self.n_slices)

    def state(self, class_name: str) -> np.ndarray:
        """Return the tags of a class, int8 (n_slices,), as a copy; untagged everywhere if it was never tagged."""
        if class_name in self.states:
            return np.array(self.states[class_name])
        return np.full(self.n_slices or 0, UNTAGGED, np.int8)

    def stated(self, class_name: str) -> np.ndarray:
        """Return the tags as `state`, untagged where the slice is absent only because the class is nowhere else.

        What is said of a slice itself counts more than that. Where a slice is untagged again, the class may be
        elsewhere: then all tags are as stated.
        """
        state, by_rest = self.state(class_name), self.by_rest.get(class_name)
        if by_rest is not None and by_rest.shape == state.shape and not (state == UNTAGGED).any():
            state[by_rest & (state == ABSENT)] = UNTAGGED
        return state

    def is_rest_absent(self, class_name: str) -> bool:
        """Whether slices are absent, or will be, only because the class is nowhere else."""
        return class_name in self.rest_is_absent or not np.array_equal(self.stated(class_name), self.state(class_name))

    def matrix(self, table: ClassTable) -> np.ndarray:
        """Return the tags of all classes, int8 (n_slices, n_classes), in table order.

        Raises
        ------
        UserError
            ``unknown_class`` if a tagged class is not in the table.
        ValueError
            If the number of slices is not known yet.
        """
        if self.n_slices is None:
            raise ValueError(f"the number of slices of {self.name!r} is not settled")
        for name in self.states:
            table.index(name)
        columns = [self.state(name) for name in table.names]
        return np.stack(columns, axis=1) if columns else np.zeros((self.n_slices, 0), np.int8)

    def counts(self, class_name: str) -> Counts:
        """Count the slices by tag; while the number of slices is unknown, up to the last tagged one."""
        return count_slices(self.state(class_name))

    def fill_rest(self, n_slices: int) -> None:
        """Make absent what `rest_is_absent` leaves to the time when the number of slices is known."""
        for name in self.rest_is_absent:
            state = self._reached(name, n_slices - 1)
            rest = state == UNTAGGED
            state[rest] = ABSENT
            self.by_rest[name] = rest | self.by_rest.get(name, False)
        self.rest_is_absent = {}

    def _reached(self, class_name: str, index: int) -> np.ndarray:
        """Return the array of a class to write to, long enough for slice `index`."""
        if class_name not in self.states:
            self.by_rest.pop(class_name, None)
        state = self.state(class_name) if class_name not in self.states else self.states[class_name]
        missing = index + 1 - state.size
        if missing > 0:
            state = np.concatenate([state, np.full(missing, UNTAGGED, np.int8)])
        self.states[class_name] = state
        return state

    def _checked_state(self, class_name: str, state: np.ndarray) -> np.ndarray:
        state = np.asarray(state)
        if state.ndim != 1 or not np.isin(state, (UNTAGGED, ABSENT, PRESENT)).all():
            raise self.bad(f"has tags of {class_name!r} that are not a row of -1, 0 and 1", "Tag it again.")
        if self.n_slices is not None and state.size != self.n_slices:
            message = f"has {state.size} tags of {class_name!r} for {self.n_slices} slices"
            raise self.bad(message, "There is one tag a slice.")
        return state.astype(np.int8)


def _checked_tag(tag: int) -> int:
    if tag not in (UNTAGGED, ABSENT, PRESENT):
        raise ValueError(f"a tag is {PRESENT}, {ABSENT} or {UNTAGGED}, not {tag!r}")
    return tag


@dataclass(frozen=True)
class Overlap:
    """How far the present slices of two classes are the same: slices with both / slices with either, 0..1."""

    first: str
    second: str
    jaccard: float


class SliceTagKind:
    """Slice tags as a `LabelKind`; `VolumeLabels` holds them as attributes of its own."""

    name = "slice_tags"
    trust = 200

    def class_names(self, labels: SliceTags) -> list[str]:
        """Return the classes with tags, if only untagged ones."""
        return [*labels.states, *labels.rest_is_absent]

    def said(self, labels: SliceTags) -> dict[str, Any]:
        """Return the tags of classes that have any. Untagged slices at the end say nothing, and are not always kept."""
        names = dict.fromkeys(self.class_names(labels))
        tagged = {name: (_cut_off(labels.state(name)), _cut_off(labels.stated(name))) for name in names}
        rest = labels.rest_is_absent
        return {name: (*states, name in rest) for name, states in tagged.items() if states[0] or name in rest}

    def states(self, labels: SliceTags) -> dict[str, np.ndarray]:
        """Return the tags that were said of slices themselves; that a class is nowhere else any other kind outranks."""
        return {name: labels.stated(name) for name in labels.states}

    def to_json(self, labels: SliceTags) -> dict[str, Any]:
        """Return the tags as ranges of slices, in the fields `FIELDS` of a volume."""
        rest = {name: _rest_is_absent(labels, name) for name in {**labels.states, **labels.rest_is_absent}}
        tags = {
            name: {
                TAG_NAMES[tag]: [[span.first, span.last] for span in spans_of(labels.stated(name), tag)]
                for tag in (PRESENT, ABSENT)
            }
            for name in labels.states
        }
        return {"rest_is_absent": rest, "tags": tags}

    def from_json(self, data: Any, labels: SliceTags) -> None:
        """Take over the fields `FIELDS` of a volume, each of which may be left out.

        Raises
        ------
        UserError
            ``bad_field``, ``bad_tags`` (a range that ends before it starts, no slice number) or ``tags_conflict`` (one
            slice has two different tags).
        """
        spans, rest = self.spans_from_json(data, labels.name)
        labels.states = {name: paint(labels.name, name, found) for name, found in spans.items()}
        labels.rest_is_absent = {name: True for name, is_rest in rest.items() if is_rest}

    def spans_from_json(self, data: Any, volume: str) -> tuple[dict[str, list[Span]], dict[str, bool]]:
        """Return the ranges by class, and by class whether the rest is absent; `UserError` ``bad_field``."""
        what = f"volume {volume!r}"
        data = require_object(data, what, FIELDS)
        rest, tags = data.get("rest_is_absent", {}), data.get("tags", {})
        require_fit(rest, dict[str, bool], f"'rest_is_absent' of {what}")
        require_fit(tags, dict[str, Any], f"'tags' of {what}")
        return {name: tag_spans_from_json(ranges, f"class {name!r} of {what}") for name, ranges in tags.items()}, rest

    def check(self, classes: ClassTable, volumes: Sequence[SliceTags]) -> Iterator[Problem]:
        """Say which classes tags cannot tell apart."""
        for overlap in overlaps(classes, volumes):
            if overlap.jaccard >= NEARLY_THE_SAME:
                message = f"The classes {overlap.first!r} and {overlap.second!r} are tagged on nearly the same slices."
                hint = (
                    "Tags alone cannot tell them apart: merge them, or tag volumes where one appears without the other."
                )
                yield Problem("warning", "classes_overlap", message, hint, {"names": [overlap.first, overlap.second]})

    def settle(self, labels: SliceTags) -> None:
        """Make one tag for each slice; `UserError` ``tag_beyond_last_slice``."""
        labels.states = {name: padded(labels, name, state) for name, state in labels.states.items()}
        labels.fill_rest(labels.n_slices or 0)

    def turn(self, labels: SliceTags) -> None:
        """Count from the other end, if they lie along k."""
        if labels.axis != "k":
            return
        labels.states = {name: state[::-1].copy() for name, state in labels.states.items()}
        labels.by_rest = {name: row[::-1].copy() for name, row in labels.by_rest.items()}

    def rename(self, labels: SliceTags, names: Mapping[str, str]) -> None:
        """Keep only the classes of `names`, called as it says."""
        labels.states = {names[name]: state for name, state in labels.states.items() if name in names}
        labels.rest_is_absent = {names[name]: rest for name, rest in labels.rest_is_absent.items() if name in names}
        labels.by_rest = {names[name]: row for name, row in labels.by_rest.items() if name in names}

    def lay_over(self, labels: SliceTags, below: SliceTags) -> int:
        """Take over the tags of `below` on slices of which these say nothing; returns on how many slices they differ.

        That a class is nowhere else makes no slice absent that either of them shows.
        """
        replaced, states = 0, {}
        names = dict.fromkeys([*self.class_names(below), *self.class_names(labels)])
        rest = {name: True for name in names if labels.is_rest_absent(name) or below.is_rest_absent(name)}
        for name in names:
            old, state = below.stated(name), labels.stated(name)
            length = max(old.size, state.size)
            old, state = _reaching(old, length), _reaching(state, length)
            replaced += int(np.count_nonzero((old != UNTAGGED) & (state != UNTAGGED) & (old != state)))
            states[name] = take_first_said([state, old], state.shape)
        labels.states, labels.by_rest, labels.rest_is_absent = states, {}, rest
        if labels.n_slices is not None:
            labels.fill_rest(labels.n_slices)
        return replaced


KIND = SliceTagKind()


def overlaps(classes: ClassTable, volumes: Sequence[SliceTags]) -> list[Overlap]:
    """Compare the slices tagged present of every two classes over a whole cohort.

    Returns
    -------
    list of Overlap
        One entry a pair of which at least one class is present somewhere, in table order.
    """
    present = {name: _present_slices(volumes, name) for name in classes.names}
    result = []
    for first, second in combinations(classes.names, 2):
        either = len(present[first] | present[second])
        if either:
            result.append(Overlap(first, second, len(present[first] & present[second]) / either))
    return result


def _present_slices(volumes: Sequence[SliceTags], class_name: str) -> set[tuple[int, int]]:
    return {
        (number, int(index))
        for number, volume in enumerate(volumes)
        for index in np.flatnonzero(volume.state(class_name) == PRESENT)
    }


def _rest_is_absent(labels: SliceTags, class_name: str) -> bool:
    """Say whether no slice stays untagged, so that reading the file fills nothing that is untagged now."""
    if labels.n_slices is None:
        return class_name in labels.rest_is_absent
    return not (labels.state(class_name) == UNTAGGED).any()


def _reaching(state: np.ndarray, length: int) -> np.ndarray:
    """The tags, untagged from their end to `length`; a copy."""
    return np.pad(state, (0, length - state.size), constant_values=UNTAGGED)


def _cut_off(state: np.ndarray) -> bytes:
    """The tags up to the last one; bytes are compared at once, which every edit does for all classes."""
    tagged = np.flatnonzero(state != UNTAGGED)
    return state[: tagged[-1] + 1].tobytes() if tagged.size else b""


def tag_spans_from_json(ranges: Any, what: str) -> list[Span]:
    """Return ``present`` and ``absent`` ranges of a class, which errors call `what`; `UserError` ``bad_field``."""
    ranges = require_object(ranges, what, (TAG_NAMES[PRESENT], TAG_NAMES[ABSENT]))
    result = []
    for tag in (PRESENT, ABSENT):
        pairs = ranges.get(TAG_NAMES[tag], [])
        require_fit(pairs, list[tuple[int, int]], f"{TAG_NAMES[tag]!r} of {what}")
        result += [Span(first, last, tag) for first, last in pairs]
    return result


def padded(labels: SliceTags, class_name: str, state: np.ndarray) -> np.ndarray:
    """Return tags of a class with one for each slice, which are known; `UserError` ``tag_beyond_last_slice``."""
    n_slices, tagged = labels.n_slices or 0, np.flatnonzero(state != UNTAGGED)
    if tagged.size and tagged[-1] >= n_slices:
        message = f"Volume {labels.name!r}: class {class_name!r} is tagged on slice {tagged[-1]}."
        hint = f"Its last slice along {labels.axis} is {n_slices - 1}; check the slice axis and the volume."
        values = {"name": labels.name, "class": class_name, "slice": int(tagged[-1]), "last": n_slices - 1}
        raise UserError("tag_beyond_last_slice", message, hint, values)
    result = np.full(n_slices, UNTAGGED, np.int8)
    result[: min(state.size, n_slices)] = state[:n_slices]
    return result
