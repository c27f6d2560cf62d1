"""Slice tags of one volume: which slices show a class, which do not, and which nobody has looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.labelled_volume import LabelledVolume
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED


class Counts(NamedTuple):
    """How many slices have each tag."""

    present: int
    absent: int
    untagged: int


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

    Raises
    ------
    UserError
        ``bad_name``, ``bad_tags``.
    """

    states: dict[str, np.ndarray] = field(default_factory=dict)
    rest_is_absent: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.states = {name: self._checked_state(name, state) for name, state in self.states.items()}
        self.rest_is_absent = {name: True for name, rest in self.rest_is_absent.items() if rest}
        if self.n_slices is not None:
            self.fill_rest(self.n_slices)

    def set(self, class_name: str, index: int, tag: int) -> None:
        """Tag one slice (0-based); `UserError` ``slice_out_of_range`` if there is no such slice."""
        self.require_slice(index)
        self._reached(class_name, index)[index] = _checked_tag(tag)

    def tag_range(self, class_name: str, first: int, last: int, rest_is_absent: bool = True) -> None:
        """Tag the slices from `first` to `last` (both inclusive, in either order) present.

        Absent slices inside become present, so that a second lesion can be added. With `rest_is_absent` every slice
        that is still untagged becomes absent. Slices that are present stay present, wherever they are.

        Raises
        ------
        UserError
            ``slice_out_of_range``.
        """
        first, last = min(first, last), max(first, last)
        self.require_slice(first)
        self.require_slice(last)
        self._reached(class_name, last)[first : last + 1] = PRESENT
        if rest_is_absent:
            self.rest_is_absent[class_name] = True
            if self.n_slices is not None:
                self.fill_rest(self.n_slices)

    def state(self, class_name: str) -> np.ndarray:
        """Return the tags of a class, int8 (n_slices,), as a copy; untagged everywhere if it was never tagged."""
        if class_name in self.states:
            return np.array(self.states[class_name])
        return np.full(self.n_slices or 0, UNTAGGED, np.int8)

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
        state = self.state(class_name)
        return Counts(*(int(np.count_nonzero(state == tag)) for tag in (PRESENT, ABSENT, UNTAGGED)))

    def fill_rest(self, n_slices: int) -> None:
        """Make absent what `rest_is_absent` leaves to the time when the number of slices is known."""
        for name in self.rest_is_absent:
            state = self._reached(name, n_slices - 1)
            state[state == UNTAGGED] = ABSENT
        self.rest_is_absent = {}

    def _reached(self, class_name: str, index: int) -> np.ndarray:
        """Return the array of a class to write to, long enough for slice `index`."""
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
