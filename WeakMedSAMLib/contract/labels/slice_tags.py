"""Slice tags of one volume: which slices show a class, which do not, and which nobody has looked at."""

from __future__ import annotations

import string
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.fields import require_name

UNTAGGED = -1
ABSENT = 0
PRESENT = 1
AXES = ("i", "j", "k")
MAX_SLICES = 65536
# From which end slices along k are counted: as 3D Slicer's Data Probe shows the loaded file, or in the order of the
# file itself. They differ for a left-handed volume, whose k planes Slicer reverses when it loads it.
Numbering: TypeAlias = Literal["slicer", "file"]
NUMBERINGS: tuple[Numbering, ...] = ("slicer", "file")


class Counts(NamedTuple):
    """How many slices have each tag."""

    present: int
    absent: int
    untagged: int


@dataclass(eq=False)
class VolumeTags:
    """The tags of one volume along one slice axis.

    Attributes
    ----------
    name : str
        Name of the volume, as shown.
    sha256 : str or None
        `identity.content_hash` of its voxels, in either order of the k planes; None where a hand-written file left it
        out.
    axis : str
        ``"i"``, ``"j"`` or ``"k"``: the IJK axis along which slices are counted.
    n_slices : int or None
        Number of slices along that axis; None until the volume is known (`settled`).
    states : dict
        Class name -> int8 array (n_slices,) of `PRESENT`, `ABSENT`, `UNTAGGED`. A class that is not in it is untagged
        everywhere. While `n_slices` is None the arrays reach as far as the last slice that was tagged.
    rest_is_absent : dict
        Class name -> True where all slices still untagged become absent once `n_slices` is known. Always empty when it
        is known.
    numbering : {"slicer", "file"} or None
        From which end slices along k are counted; None where it is not said: then by the order that the hash is over.
        Along i and j there is one way to count only.

    Raises
    ------
    UserError
        ``bad_name``, ``bad_tags``.
    """

    name: str
    sha256: str | None = None
    axis: str = "k"
    n_slices: int | None = None
    states: dict[str, np.ndarray] = field(default_factory=dict)
    rest_is_absent: dict[str, bool] = field(default_factory=dict)
    numbering: Numbering | None = None

    def __post_init__(self) -> None:
        require_name(self.name, "A volume name")
        if self.sha256 is not None:
            self.sha256 = self._checked_hash(self.sha256)
        if self.axis not in AXES:
            raise self._bad(f"has the slice axis {self.axis!r}", "The axis is i, j or k.")
        if self.numbering not in (None, *NUMBERINGS):
            raise self._bad(f"has the numbering {self.numbering!r}", "It is slicer or file, or left out.")
        if self.n_slices is not None:
            self._require_count(self.n_slices)
        self.states = {name: self._checked_state(name, state) for name, state in self.states.items()}
        self.rest_is_absent = {name: True for name, rest in self.rest_is_absent.items() if rest}
        if self.n_slices is not None:
            self._fill_rest(self.n_slices)

    def set(self, class_name: str, index: int, tag: int) -> None:
        """Tag one slice (0-based); `UserError` ``slice_out_of_range`` if there is no such slice."""
        self._require_slice(index)
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
        self._require_slice(first)
        self._require_slice(last)
        self._reached(class_name, last)[first : last + 1] = PRESENT
        if rest_is_absent:
            self.rest_is_absent[class_name] = True
            if self.n_slices is not None:
                self._fill_rest(self.n_slices)

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

    def settled(self, n_slices: int) -> VolumeTags:
        """Return the tags for a volume that is now known to have `n_slices` slices along the axis.

        Raises
        ------
        UserError
            ``tag_beyond_last_slice``, ``slice_count_differs`` or ``bad_tags``.
        """
        self._require_count(n_slices)
        if self.n_slices not in (None, n_slices):
            message = f"The tags of {self.name!r} are for {self.n_slices} slices along {self.axis}; it has {n_slices}."
            raise UserError(
                "slice_count_differs",
                message,
                "Check the slice axis, and that it is the same volume.",
                values={"name": self.name, "axis": self.axis, "tagged": self.n_slices, "count": n_slices},
            )
        states = {name: self._padded(name, state, n_slices) for name, state in self.states.items()}
        rest = dict(self.rest_is_absent)
        return VolumeTags(self.name, self.sha256, self.axis, n_slices, states, rest, self.numbering)

    def turned(self) -> VolumeTags:
        """Return the tags with slices along k counted from the other end; those along i and j stay as they are.

        Raises
        ------
        ValueError
            If the number of slices is not known yet.
        """
        if self.n_slices is None:
            raise ValueError(f"the number of slices of {self.name!r} is not settled")
        step = -1 if self.axis == "k" else 1
        return replace(self, states={name: state[::step].copy() for name, state in self.states.items()})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VolumeTags):
            return NotImplemented
        return self._comparable() == other._comparable()

    __hash__ = None  # type: ignore[assignment]

    def _comparable(self) -> tuple[Any, ...]:
        # Untagged slices at the end say nothing, and are not stored while the number of slices is unknown.
        trimmed = {
            name: state[: np.flatnonzero(state != UNTAGGED).max(initial=-1) + 1] for name, state in self.states.items()
        }
        tagged = {name: state.tolist() for name, state in trimmed.items() if state.size}
        return self.name, self.sha256, self.axis, self.n_slices, tagged, self.rest_is_absent, self.numbering

    def _fill_rest(self, n_slices: int) -> None:
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

    def _padded(self, class_name: str, state: np.ndarray, n_slices: int) -> np.ndarray:
        tagged = np.flatnonzero(state != UNTAGGED)
        if tagged.size and tagged[-1] >= n_slices:
            message = f"Volume {self.name!r}: class {class_name!r} is tagged on slice {tagged[-1]}."
            hint = f"Its last slice along {self.axis} is {n_slices - 1}; check the slice axis and the volume."
            raise UserError(
                "tag_beyond_last_slice",
                message,
                hint,
                values={"name": self.name, "class": class_name, "slice": int(tagged[-1]), "last": n_slices - 1},
            )
        result = np.full(n_slices, UNTAGGED, np.int8)
        result[: min(state.size, n_slices)] = state[:n_slices]
        return result

    def _require_count(self, n_slices: int) -> None:
        if not self._is_whole(n_slices, 1, MAX_SLICES):
            raise self._bad(f"has {n_slices!r} slices", f"The number of slices is 1 to {MAX_SLICES}.")

    def _require_slice(self, index: int) -> None:
        last = (MAX_SLICES if self.n_slices is None else self.n_slices) - 1
        if not self._is_whole(index, 0, last):
            message = f"Volume {self.name!r} has no slice {index!r} along {self.axis}."
            raise UserError(
                "slice_out_of_range",
                message,
                f"Slices are 0 to {last}.",
                values={"name": self.name, "slice": index, "last": last},
            )

    def _checked_state(self, class_name: str, state: np.ndarray) -> np.ndarray:
        state = np.asarray(state)
        if state.ndim != 1 or not np.isin(state, (UNTAGGED, ABSENT, PRESENT)).all():
            raise self._bad(f"has tags of {class_name!r} that are not a row of -1, 0 and 1", "Tag it again.")
        if self.n_slices is not None and state.size != self.n_slices:
            message = f"has {state.size} tags of {class_name!r} for {self.n_slices} slices"
            raise self._bad(message, "There is one tag a slice.")
        return state.astype(np.int8)

    def _checked_hash(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) != 64 or not set(value) <= set(string.hexdigits):
            hint = "It has 64 hexadecimal digits: copy it whole from where it was written."
            raise self._bad(f"has the sha256 {value!r}", hint)
        return value.lower()

    def _bad(self, what: str, hint: str) -> UserError:
        return UserError("bad_tags", f"Volume {self.name!r} {what}.", hint)

    @staticmethod
    def _is_whole(value: Any, lowest: int, highest: int) -> bool:
        is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        return is_integer and lowest <= value <= highest


def _checked_tag(tag: int) -> int:
    if tag not in (UNTAGGED, ABSENT, PRESENT):
        raise ValueError(f"a tag is {PRESENT}, {ABSENT} or {UNTAGGED}, not {tag!r}")
    return tag
