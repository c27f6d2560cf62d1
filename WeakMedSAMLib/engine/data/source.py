"""What every format's reader gives: a header that was read and checked, and the voxels when they are wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.notes import Note


class Source(Protocol):
    """A volume in a file or folder, in the order in which the file has it."""

    @property
    def path(self) -> Path:
        """File or folder that was named."""
        ...

    @property
    def geometry(self) -> Geometry:
        """Where the voxels lie, in the order of the file."""
        ...

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the header told."""
        ...

    @property
    def is_segmentation(self) -> bool:
        """Whether it is a segmentation of 3D Slicer, which is no scan."""
        ...

    @property
    def is_turned(self) -> bool:
        """Whether Slicer reverses its k planes on loading."""
        ...

    def voxels(self) -> tuple[np.ndarray, tuple[Note, ...]]:
        """Voxel values by the standard of the format, k x j x i of the file, and what was noticed while reading them.

        Not-a-number is left as it is; see `volumes.Scan.array`.

        Raises
        ------
        UserError
            ``volume_truncated``, ``volume_unreadable``.
        MemoryError
        """
        ...

    def slicer_voxels(self) -> np.ndarray | None:
        """Voxels as 3D Slicer (ITK) reads this file where these are others than `voxels`; None where they are the same.

        Only for recognising tags that were made there: nobody learns from them.
        """
        ...
