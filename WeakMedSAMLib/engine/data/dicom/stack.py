"""Slices put in order along their normal, and the volume that they make; or the slice that does not fit, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.dicom.frames import EXPORT_HINT, Frame
from WeakMedSAMLib.engine.data.dicom.tags import COPY_HINT
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.notes import Note, sheared_note

# A step this much off the usual one is uneven, and a corner of a slice this far from where the volume has it is off:
# the larger of a tenth of a voxel and a tenth of a millimetre. Scanners round positions to 0.1 mm at worst, which is a
# little more in binary.
_UNEVEN, _UNEVEN_MM = 0.1, 0.1 + 1e-6
_SAME_AXES, _SAME_SPACING = 1e-3, 1e-3
_SAME_PLACE_MM = 1e-3
_SHEARED = 1e-3
_DISAGREES = 0.02


def in_order(frames: Sequence[Frame]) -> list[Frame]:
    """Slices by their height along the normal of the first."""
    normal = frames[0].normal
    return sorted(frames, key=lambda frame: float(frame.position @ normal))


def has_repeats(frames: Sequence[Frame]) -> bool:
    """Whether several slices lie at one height."""
    return repeats(frames) > 0


def repeats(frames: Sequence[Frame]) -> int:
    """How many slices lie at the height of another that comes before."""
    return int(np.count_nonzero(_steps(in_order(frames))[1] < _SAME_PLACE_MM))


def geometry_of(folder: Path, frames: Sequence[Frame]) -> Geometry:
    """Geometry of the volume that slices in order make; every corner of every slice was found where it has it.

    The slice direction is taken from the positions of the slices, so that a tilted gantry becomes the sheared volume
    that it is, not a straightened one.

    Raises
    ------
    UserError
        ``dicom_mixed_slices``, ``dicom_repeated_positions``, ``dicom_missing_slices``, ``dicom_uneven_slices``,
        ``dicom_slice_off``, ``dicom_no_thickness``.
    """
    check_alike(folder, frames)
    first = frames[0]
    step = _step(folder, frames)
    spacing = float(np.linalg.norm(step))
    direction = np.column_stack([first.axes[0], first.axes[1], step / spacing])
    x, y, z = first.position.tolist()
    geometry = Geometry(
        (x, y, z), (*first.spacing, spacing), tuple(direction.ravel().tolist()), (*first.size, len(frames))
    )
    _check_corners(folder, frames, geometry)
    return geometry


def check_alike(folder: Path, frames: Sequence[Frame]) -> None:
    """Refuse slices of several orientations, sizes or spacings; `UserError` ``dicom_mixed_slices``."""
    first = frames[0]
    for other in frames[1:]:
        if not np.allclose(other.axes, first.axes, atol=_SAME_AXES):
            what = "orientations (a localizer, for example)"
        elif other.size != first.size:
            what = f"sizes ({_times(first.size)} and {_times(other.size)} pixels)"
        elif not np.allclose(other.spacing, first.spacing, rtol=_SAME_SPACING):
            what = f"pixel spacings ({_times(first.spacing)} and {_times(other.spacing)} mm)"
        else:
            continue
        files = [first.what, other.what]
        message = f"The series in {folder} mixes slices of several {what}: {files[0]} and {files[1]}."
        raise UserError("dicom_mixed_slices", message, EXPORT_HINT, {"files": files})


def _times(pair: tuple[float, float]) -> str:
    return f"{pair[0]:g} x {pair[1]:g}"


def _steps(frames: Sequence[Frame]) -> tuple[np.ndarray, np.ndarray]:
    heights = np.array([float(frame.position @ frames[0].normal) for frame in frames])
    return heights, np.diff(heights)


def _step(folder: Path, frames: Sequence[Frame]) -> np.ndarray:
    """Vector from slice to slice in LPS mm; refuses places taken twice, gaps and uneven steps."""
    first, last = frames[0], frames[-1]
    if len(frames) == 1:
        return first.normal * _depth_of_one(first)
    heights, steps = _steps(frames)
    if (steps < _SAME_PLACE_MM).any():
        at = int(np.argmin(steps))
        raise UserError(
            "dicom_repeated_positions",
            f"The series in {folder} holds several images at {heights[at]:.2f} mm along its slice direction, such as "
            f"{frames[at].what} and {frames[at + 1].what}.",
            "It is probably a time series or has several echoes: put one volume's files into a folder of their own.",
            {"height_mm": float(heights[at]), "files": [frames[at].what, frames[at + 1].what]},
        )
    _check_gaps(folder, heights, steps)
    return (last.position - first.position) / (len(frames) - 1)


def _depth_of_one(frame: Frame) -> float:
    """Third spacing of a single slice."""
    depth = frame.thickness or frame.between
    if depth is None:
        raise UserError(
            "dicom_no_thickness",
            f"{frame.what} is a single slice, and its header does not say how thick it is.",
            "Export it again with all of its header; or load it in 3D Slicer, set its spacing there (Volumes, Volume "
            "Information) and save it as NRRD.",
            {"file": str(frame.file)},
        )
    return depth


def _check_gaps(folder: Path, heights: np.ndarray, steps: np.ndarray) -> None:
    usual = float(np.sort(steps)[(len(steps) - 1) // 2])  # the smaller one of two: the larger may be a gap
    gaps = np.flatnonzero(steps > 1.5 * usual)
    if gaps.size:
        missing = int(np.round(steps[gaps] / usual - 1).clip(min=1).sum())
        places = ", ".join(f"between {heights[g]:.2f} and {heights[g + 1]:.2f} mm" for g in gaps[:5])
        raise UserError(
            "dicom_missing_slices",
            f"The series in {folder} lacks about {counted(missing, 'slice')}, {places} (distance {usual:.2f} mm).",
            COPY_HINT,
            {"missing": missing, "step_mm": usual},
        )
    if np.abs(steps - usual).max() > max(_UNEVEN * usual, _UNEVEN_MM):
        raise UserError(
            "dicom_uneven_slices",
            f"The slices of the series in {folder} are {steps.min():.2f} to {steps.max():.2f} mm apart.",
            EXPORT_HINT,
            {"smallest_mm": float(steps.min()), "largest_mm": float(steps.max())},
        )


def _check_corners(folder: Path, frames: Sequence[Frame], geometry: Geometry) -> None:
    """Compare where each slice says that its corners are with where the volume has them, along all three axes."""
    spacing = np.array(geometry.spacing)
    allowed = np.maximum(_UNEVEN * spacing, _UNEVEN_MM)
    along = np.linalg.inv(geometry.axes)
    first, step = frames[0], geometry.axes[:, 2] * geometry.spacing[2]
    for number, frame in enumerate(frames):
        off = _corners(frame) - _corners(first) - number * step
        off = np.abs(off @ along.T).max(axis=0)
        if (off > allowed).any():
            worst = int(np.argmax(off / allowed))
            raise UserError(
                "dicom_slice_off",
                f"{frame.what} lies {off[worst]:.2f} mm beside the line of the other slices of the series in {folder} "
                f"(along {'ijk'[worst]}; at most {allowed[worst]:.2f} mm is rounding).",
                "Check whether the slice belongs to the series and copy the series again from the archive; 3D Slicer "
                "can regularise it and save it as NRRD.",
                {"file": str(frame.file), "off_mm": float(off[worst]), "allowed_mm": float(allowed[worst])},
            )


def _corners(frame: Frame) -> np.ndarray:
    """Centres of the first pixel and of those at the ends of the first row and column, as rows."""
    ends = frame.axes * (np.array(frame.spacing) * (np.array(frame.size) - 1))[:, None]
    return np.array([frame.position, *(frame.position + ends)])


def stack_notes(folder: Path, frames: Sequence[Frame], geometry: Geometry) -> Iterator[Note]:
    """What is unusual about the place of the slices."""
    first, depth = frames[0], geometry.spacing[2]
    in_slicer = first.between or 1.0
    if len(frames) == 1 and depth != in_slicer:
        message = f"{folder.name}: a single slice, {depth:g} mm thick by its header; 3D Slicer takes {in_slicer:g} mm."
        values = {"file": folder.name, "thickness_mm": depth}
        yield Note("dicom_single_slice", message, "Its place in the plane is the same.", values)
    cosine = float(geometry.axes[:, 2] @ first.normal)
    angle = float(np.arccos(np.clip(cosine, -1.0, 1.0)))
    # Rounded positions make a tiny angle of a few thin slices.
    if angle > _SHEARED and np.sin(angle) * depth * (len(frames) - 1) > _UNEVEN_MM:
        yield sheared_note(folder.name, float(np.degrees(angle)))
    said = {frame.between for frame in frames if frame.between is not None}
    wrong = [number for number in said if abs(number - depth) > max(_DISAGREES * depth, _UNEVEN_MM / 2)]
    if wrong and len(frames) > 1:
        yield Note(
            "dicom_spacing_disagrees",
            f"{folder.name}: SpacingBetweenSlices is {wrong[0]:g} mm, but the positions of its slices are {depth:g} mm "
            "apart; the positions count, as in 3D Slicer.",
            "If the positions are wrong, set the spacing in 3D Slicer and save it as NRRD.",
            {"file": folder.name, "said_mm": wrong[0], "step_mm": depth},
        )
    if not all(frame.has_unit_axes for frame in frames):
        message = f"{folder.name}: axes in its header are not of length 1; their directions are used, as in 3D Slicer."
        hint = "Check the size of something known in the pictures: the header may be wrong."
        yield Note("axes_not_unit", message, hint, {"file": folder.name})
