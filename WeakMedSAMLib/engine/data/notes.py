"""What a reader noticed about a volume, though it could be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.events import Warning_
from WeakMedSAMLib.engine.data.geometry import Geometry

_USUAL_SPACING_MM = (0.01, 50.0)


@dataclass(frozen=True)
class Note:
    """Something about a volume that the user should know.

    Parameters
    ----------
    code : str
        Short, stable, machine-readable name such as ``"voxels_not_finite"``; docs/scan_looks_wrong.md has its row.
    message : str
        What was found and how it was read; names the file and the value.
    hint : str
        What to do if that is wrong.
    values : mapping
        The values in the message by name (plain JSON), so that nobody has to parse the sentence.
    """

    code: str
    message: str
    hint: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def as_warning(self) -> Warning_:
        """The note as an event of a run, or for the terminal."""
        return Warning_(code=self.code, message=self.message, hint=self.hint)


def spacing_notes(path: Path, geometry: Geometry) -> tuple[Note, ...]:
    """A note where voxels lie closer together, or further apart, than those of any scan of a patient."""
    low, high = _USUAL_SPACING_MM
    if all(low <= distance <= high for distance in geometry.spacing):
        return ()
    spacing = " x ".join(f"{distance:.4g}" for distance in geometry.spacing)
    message = f"{path.name}: its voxels are {spacing} mm apart, which is unusual for a scan."
    hint = "Check the spacing in 3D Slicer (Volumes, Volume Information); lengths may be given in another unit than mm."
    values = {"file": path.name, "spacing_mm": list(geometry.spacing)}
    return (Note("spacing_unusual", message, hint, values),)


def sheared_note(file: str, degrees: float) -> Note:
    """The note that the axes of a volume are so many degrees off right angles."""
    message = f"{file}: its axes are {degrees:.2g} degrees off right angles, as by a tilted gantry; it was read so."
    hint = "3D Slicer shows it rightly, but cannot load its masks as NIfTI: save them as .seg.nrrd or .nrrd."
    return Note("volume_sheared", message, hint, {"file": file, "degrees": degrees})
