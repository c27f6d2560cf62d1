"""Which volume labels are of, and how its slices are counted; whatever they say."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.fields import require_name

AXES = ("i", "j", "k")
MAX_SLICES = 65536
# From which end slices along k are counted: as 3D Slicer's Data Probe shows the loaded file, or in the order of the
# file itself. They differ for a left-handed volume, whose k planes Slicer reverses when it loads it.
Numbering: TypeAlias = Literal["slicer", "file"]
NUMBERINGS: tuple[Numbering, ...] = ("slicer", "file")


@dataclass(eq=False)
class LabelledVolume:
    """The volume that labels are of.

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
        Number of slices along that axis; None until the volume is known.
    numbering : {"slicer", "file"} or None
        From which end slices along k are counted; None where it is not said: then by the order that the hash is over.
        Along i and j there is one way to count only.
    size : tuple of int or None
        Voxels along i, j and k; None until the volume is known.

    Raises
    ------
    UserError
        ``bad_name``, ``bad_tags``.
    """

    name: str
    sha256: str | None = None
    axis: str = "k"
    n_slices: int | None = None
    numbering: Numbering | None = None
    size: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        require_name(self.name, "A volume name")
        if self.sha256 is not None:
            self.sha256 = self._checked_hash(self.sha256)
        if self.axis not in AXES:
            raise self.bad(f"has the slice axis {self.axis!r}", "The axis is i, j or k.")
        if self.numbering not in (None, *NUMBERINGS):
            raise self.bad(f"has the numbering {self.numbering!r}", "It is slicer or file, or left out.")
        if self.n_slices is not None:
            self.require_count(self.n_slices)
        if self.size is not None:
            self.require_size(self.size)

    @property
    def axis_index(self) -> int:
        """0, 1 or 2 for slices along i, j or k."""
        return AXES.index(self.axis)

    def count(self, axis: str) -> int | None:
        """Return the number of voxels along an axis, as far as it is known."""
        if self.size is not None:
            return self.size[AXES.index(axis)]
        return self.n_slices if axis == self.axis else None

    def require_size(self, size: Sequence[int]) -> None:
        """Raise `UserError` ``bad_tags`` unless a volume can have so many voxels along i, j and k."""
        if len(size) != 3 or not all(_is_whole(each, 1, MAX_SLICES) for each in size):
            raise self.bad(f"has the size {list(size)}", f"It has 1 to {MAX_SLICES} voxels along each of i, j and k.")
        if self.n_slices not in (None, size[self.axis_index]):
            message = f"has {self.n_slices} slices along {self.axis}, and the size {list(size)}"
            raise self.bad(message, "Both are of the same volume.")

    def require_count(self, n_slices: int) -> None:
        """Raise `UserError` ``bad_tags`` unless a volume can have so many slices."""
        if not _is_whole(n_slices, 1, MAX_SLICES):
            raise self.bad(f"has {n_slices!r} slices", f"The number of slices is 1 to {MAX_SLICES}.")

    def require_slice(self, index: int) -> None:
        """Raise `UserError` ``slice_out_of_range`` unless there is a slice of this number (0-based)."""
        last = (MAX_SLICES if self.n_slices is None else self.n_slices) - 1
        if not _is_whole(index, 0, last):
            message = f"Volume {self.name!r} has no slice {index!r} along {self.axis}."
            values = {"name": self.name, "slice": index, "last": last}
            raise UserError("slice_out_of_range", message, f"Slices are 0 to {last}.", values)

    def bad(self, what: str, hint: str) -> UserError:
        """Return the error ``bad_tags`` about labels of this volume."""
        return UserError("bad_tags", f"Volume {self.name!r} {what}.", hint)

    def _checked_hash(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) != 64 or not set(value) <= set(string.hexdigits):
            hint = "It has 64 hexadecimal digits: copy it whole from where it was written."
            raise self.bad(f"has the sha256 {value!r}", hint)
        return value.lower()


def _is_whole(value: Any, lowest: int, highest: int) -> bool:
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    return is_integer and lowest <= value <= highest
