"""What a reader noticed about a volume, though it could be read; and the notes that readers of several formats have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.events import Warning_
from WeakMedSAMLib.engine.data.geometry import Geometry

_USUAL_SPACING_MM = (0.01, 50.0)
RESAVE_HINT = "Open it in 3D Slicer, correct it in Volumes, Volume Information, and save it as NRRD."


@dataclass(frozen=True)
class Note:
    """Something about a volume that the user should know.

    Parameters
    ----------
    code : str
        Short, stable, machine-readable name such as ``"voxels_not_finite"``; docs/scan_looks_wrong.md has its row.
    message : str
        What was found and how it was read; begins with the name of the file and a colon, and names the value.
    hint : str
        What to do if that is wrong.
    values : mapping
        The values in the message by name (plain JSON), so that nobody has to parse the sentence.
    """

    code: str
    message: str
    hint: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def as_warning(self, volume: str = "") -> Warning_:
        """The note as an event of a run, about the volume with this id, or for the terminal."""
        return Warning_.of(self, volume)


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


def spacing_missing(file: str, where: str, values: Mapping[str, Any]) -> Note:
    """The note that a header gives no spacing."""
    message = f"{file}: it gives no spacing along {where}, which was read as 1 mm, as 3D Slicer does."
    return Note("spacing_missing", message, f"Sizes and distances may be wrong. {RESAVE_HINT}", values)


def position_missing(file: str, what: str) -> Note:
    """The note that a header does not say where the volume lies."""
    message = f"{file}: it gives no {what}; it was placed as 3D Slicer does, at 0 and along the patient's axes."
    hint = "Left and right may be exchanged, and masks of other files may not fit. Export it again from its source."
    return Note("position_missing", message, hint, {"file": file, "missing": what})


def units_not_mm(file: str, units: list[str]) -> Iterator[Note]:
    """The note that lengths are in other units, which Slicer passes over."""
    if units:
        message = f"{file}: its lengths are in {', '.join(units)}; they were read as mm, as 3D Slicer does."
        hint = f"Sizes are wrong by that factor. {RESAVE_HINT}"
        yield Note("units_not_mm", message, hint, {"file": file, "units": units})


def longer_note(file: str, more: str = "some bytes") -> Note:
    """The note that there is more in a file than voxels."""
    message = f"{file}: it goes on after the last voxel that its header promises, by {more}, which were left out."
    hint = "If slices are missing or the picture is noise, its header is wrong: export it again."
    return Note("volume_longer", message, hint, {"file": file})


def other_values_note(file: str, reason: str, why: str, hint: str, **values: object) -> Note:
    """The note that 3D Slicer shows other voxels than were read."""
    return Note("slicer_shows_other_values", f"{file}: {why}", hint, {"file": file, "reason": reason, **values})


def reader_note(file: str, said: str, others: int = 0) -> Note:
    """The note of what a library said while it read a file, and so many others."""
    more = f" and {others} more files" if others else ""
    message = f"{file}{more}: the library that read it says: {said}"
    hint = "Compare the volume with what 3D Slicer shows; if it is wrong there, export it again from its source."
    return Note("reader_warned", message, hint, {"file": file, "said": said, "others": others})
