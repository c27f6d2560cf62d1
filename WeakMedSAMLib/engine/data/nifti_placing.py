"""Where the voxels of a NIfTI file lie: as 3D Slicer (ITK) places them, so that masks lie right there.

A NIfTI header says it up to three times: pixdim holds the distances, the qform a rotation, the sform a whole matrix.
Where they contradict each other a note says which one counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nibabel.spatialimages import HeaderDataError

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.geometry import AXES, Geometry
from WeakMedSAMLib.engine.data.header_checks import check_geometry
from WeakMedSAMLib.engine.data.nifti_header import Header
from WeakMedSAMLib.engine.data.notes import Note, position_missing, units_not_mm

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_SCANNER = 1  # the sform code at which ITK takes the sform even if there is a qform
# ITK's own tolerances: of axes at right angles, and of two matrices that say the same.
_STRAIGHT = 1e-4
_SIMILAR = 1e-4
_NOWHERE = 1e-15
_FAR = 1e7
# Headers disagree if by one of them a voxel lies this part of a voxel away from where the other has it.
_PART_OF_A_VOXEL = 0.1
_TO_MM = {1: ("metres", 1000.0), 2: ("mm", 1.0), 3: ("micrometres", 0.001), 0: ("mm", 1.0)}
_NO_FORMS = "position and orientation (qform and sform are 0)"
_FIX_HINT = "Correct the header with the program that made it, or export the volume again."


@dataclass(frozen=True)
class Placing:
    """Where voxels lie, what was noticed on the way, and whether the axes are not at right angles."""

    geometry: Geometry
    notes: tuple[Note, ...]
    is_sheared: bool


@dataclass(frozen=True)
class _Forms:
    """The 4 x 4 matrices of a header, RAS and in its own unit; None where there is none or it holds no numbers."""

    qform: np.ndarray | None
    sform: np.ndarray | None
    sform_code: int

    @property
    def taken(self) -> str:
        """Which one ITK takes: the sform if it is the scanner's or like the qform, and its axes are at right angles."""
        if self.sform is None or self.qform is None:
            return "sform" if self.sform is not None else "qform" if self.qform is not None else ""
        counts = self.sform_code == _SCANNER or _is_similar(self.sform, self.qform)
        return "sform" if counts and _is_straight(self.sform) else "qform"


def placing(path: Path, header: Header) -> Placing:
    """Where the voxels of a file lie.

    Raises
    ------
    UserError
        ``volume_bad_geometry``: distances that are no distance, an orientation that is none.
    """
    check_distances(path, header)
    forms = _forms(path, header)
    matrix = {"sform": forms.sform, "qform": forms.qform}.get(forms.taken)
    is_sheared = matrix is not None and not _is_straight(matrix)
    unit, to_mm = _TO_MM.get(_unit(header), ("mm", 1.0))
    geometry = _geometry(path, header, matrix, is_sheared, to_mm)
    check_geometry(path, geometry)
    notes = (
        *((position_missing(path.name, _NO_FORMS),) if matrix is None else ()),
        *_form_notes(path, header, forms, to_mm),
        *_distance_notes(path, header, matrix, is_sheared, to_mm),
        *_unit_notes(path, header, unit, to_mm),
        *_handedness_notes(path, header),
        *_flat_notes(path, header),
    )
    return Placing(geometry, notes, is_sheared)


def check_distances(path: Path, header: Header) -> None:
    """Refuse a distance of voxels that is none: ITK would take 1 mm, or mirror the axis.

    Raises
    ------
    UserError
        ``volume_bad_geometry``.
    """
    for axis, distance in zip(AXES, _pixdim(header)[: 2 if header.is_flat else 3], strict=False):
        if not (np.isfinite(distance) and distance > 0):
            field = f"pixdim[{AXES.index(axis) + 1}]"
            raise UserError(
                "volume_bad_geometry",
                f"The header of {path} says that voxels are {distance:g} mm apart along {axis} ({field}).",
                f"Set {field} to the true distance with the program that made the file{_by_sform(header, axis)}; 3D "
                "Slicer would make one up.",
                {"file": path.name, "axis": axis, "field": field},
            )


def _by_sform(header: Header, axis: str) -> str:
    """What the sform says of a distance, as a remark."""
    distance = float(np.linalg.norm(header.fields.get_sform()[:3, AXES.index(axis)]))
    says = int(header.fields["sform_code"]) > 0 and np.isfinite(distance) and distance > _NOWHERE
    return f" (its sform says {distance:.4g})" if says else ""


def _pixdim(header: Header) -> np.ndarray:
    return np.asarray(header.fields["pixdim"][1:4], np.float64)


def _unit(header: Header) -> int:
    return int(header.fields["xyzt_units"]) & 7


def _forms(path: Path, header: Header) -> _Forms:
    q_code, s_code = int(header.fields["qform_code"]), int(header.fields["sform_code"])
    sform = _usable(header.fields.get_sform()) if s_code > 0 else None
    qform = _usable(_qform(header)) if q_code > 0 else None
    is_scanners = sform is not None and s_code == _SCANNER and _is_straight(sform)
    # Nothing is made up for an orientation that holds no numbers, if it is the one that counts in Slicer.
    without_s = s_code > 0 and sform is None and (qform is None or not _sane(header.fields.get_sform()))
    if without_s or (q_code > 0 and qform is None and not is_scanners):
        raise UserError(
            "volume_bad_geometry",
            f"The orientation in the header of {path} cannot be used: it has no three independent axes.",
            "Check it in 3D Slicer or another viewer and save it as NRRD.",
            {"file": path.name},
        )
    return _Forms(qform, sform, s_code)


def _usable(matrix: np.ndarray | None) -> np.ndarray | None:
    if matrix is None or not _sane(matrix):
        return None
    return matrix if abs(np.linalg.det(_axes(matrix))) > 1e-6 else None


def _sane(matrix: np.ndarray) -> bool:
    """Whether all numbers are some, and none leads further away than ten kilometres."""
    return bool(np.isfinite(matrix).all() and np.abs(matrix).max() < _FAR)


def _qform(header: Header) -> np.ndarray | None:
    """The qform; anything below zero in pixdim[0] mirrors k, as in ITK, where nibabel wants 1 or -1."""
    fields = header.fields.copy()
    fields["pixdim"][0] = -1 if header.fields["pixdim"][0] < 0 else 1
    if header.is_flat:
        fields["pixdim"][3] = 1
    try:
        with np.errstate(invalid="ignore"):
            return fields.get_qform()
    except (HeaderDataError, ValueError):
        return None  # no rotation: its quaternion is longer than 1


def _axes(matrix: np.ndarray) -> np.ndarray:
    """Columns of length 1 that say where i, j, k lead; zeros for a column that leads nowhere."""
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    return np.where(lengths > _NOWHERE, matrix[:3, :3] / np.maximum(lengths, _NOWHERE), 0.0)


def _is_straight(matrix: np.ndarray) -> bool:
    axes = _axes(matrix)
    return bool(np.abs(axes @ axes.T - np.eye(3)).max() <= _STRAIGHT)


def _is_similar(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether ITK finds two matrices alike: the same axes whichever way they lead, the same distances and offset."""
    turn = np.abs(_axes(one).T @ _axes(other))
    lengths = [np.linalg.norm(matrix[:3, :3], axis=0) for matrix in (one, other)]
    alike = [(turn, np.eye(3)), lengths, (one[:3, 3], other[:3, 3])]
    return all(np.allclose(first, second, rtol=0, atol=_SIMILAR) for first, second in alike)


def _geometry(path: Path, header: Header, matrix: np.ndarray | None, is_sheared: bool, to_mm: float) -> Geometry:
    """Geometry in LPS mm. Distances are pixdim's, as in ITK, except along axes that ITK does not read."""
    placed = np.eye(4) if matrix is None else _RAS_TO_LPS @ matrix
    spacing = np.linalg.norm(placed[:3, :3], axis=0) if is_sheared else _pixdim(header)
    axes, origin, spacing = _axes(placed), placed[:3, 3] * to_mm, spacing * to_mm
    if header.is_flat:
        axes, origin, spacing = _flatten(path, axes), np.array([*origin[:2], 0.0]), np.array([*spacing[:2], 1.0])
    return Geometry(tuple(origin.tolist()), tuple(spacing.tolist()), tuple(axes.ravel().tolist()), header.size)


def _flatten(path: Path, axes: np.ndarray) -> np.ndarray:
    """Axes of a 2-D image, of which ITK takes those of i and j within the axial plane."""
    if np.abs(axes[2, :2]).max() > _STRAIGHT:
        raise UserError(
            "volume_bad_geometry",
            f"{path} is an image of two dimensions that is not axial; 3D Slicer would lay it down as if it were.",
            "Save it as a volume of three dimensions with one slice.",
            {"file": path.name},
        )
    flat = np.eye(3)
    flat[:2, :2] = axes[:2, :2]
    return flat


def _corners(header: Header) -> np.ndarray:
    """Indices of the eight outermost voxels, 4 x 8."""
    ends = np.array(np.meshgrid(*[(0, n - 1) for n in header.size], indexing="ij")).reshape(3, 8)
    return np.vstack([ends, np.ones((1, 8))])


def _apart(header: Header, one: np.ndarray, other: np.ndarray, to_mm: float) -> float:
    """The most that two matrices move a voxel apart, in mm; 0 where it is a rounding."""
    apart = float(np.linalg.norm(((one - other) @ _corners(header))[:3], axis=0).max())
    return apart * to_mm if apart > _PART_OF_A_VOXEL * _pixdim(header)[: 2 if header.is_flat else 3].min() else 0.0


def _form_notes(path: Path, header: Header, forms: _Forms, to_mm: float) -> tuple[Note, ...]:
    if forms.qform is None or forms.sform is None:
        return _unusable_notes(path, header, forms)
    apart = _apart(header, forms.sform, forms.qform, to_mm)
    if not apart:
        return ()
    taken, other = forms.taken, {"sform": "qform", "qform": "sform"}[forms.taken]
    message = (
        f"{path.name}: sform and qform of its header place voxels up to {apart:.3g} mm apart; the {taken} counts, as "
        "in 3D Slicer."
    )
    hint = f"If the scan does not lie on others of the patient, the {other} may be the right one. {_FIX_HINT}"
    return (Note("forms_disagree", message, hint, {"file": path.name, "taken": taken, "mm": apart}),)


def _unusable_notes(path: Path, header: Header, forms: _Forms) -> tuple[Note, ...]:
    both = int(header.fields["qform_code"]) > 0 and int(header.fields["sform_code"]) > 0
    if not (both and forms.taken):
        return ()
    other = {"sform": "qform", "qform": "sform"}[forms.taken]
    message = f"{path.name}: the {other} of its header holds no orientation; the {forms.taken} counts, as in 3D Slicer."
    return (Note("forms_disagree", message, _FIX_HINT, {"file": path.name, "taken": forms.taken}),)


def _distance_notes(
    path: Path, header: Header, matrix: np.ndarray | None, is_sheared: bool, to_mm: float
) -> tuple[Note, ...]:
    if matrix is None or is_sheared:
        return ()
    used = slice(0, 2 if header.is_flat else 3)
    by_matrix, by_pixdim = np.linalg.norm(matrix[:3, :3], axis=0)[used], _pixdim(header)[used]
    moved = np.abs(by_matrix - by_pixdim) * (np.array(header.size)[used] - 1).clip(1)
    if (moved <= _PART_OF_A_VOXEL * by_pixdim).all():
        return ()
    said, other = (" x ".join(f"{n * to_mm:.4g}" for n in numbers) for numbers in (by_pixdim, by_matrix))
    message = (
        f"{path.name}: its header says that voxels are {said} mm apart (pixdim) and {other} mm (sform); {said} counts, "
        "as in 3D Slicer."
    )
    return (Note("distances_disagree", message, _FIX_HINT, {"file": path.name, "taken": said, "other": other}),)


def _unit_notes(path: Path, header: Header, unit: str, to_mm: float) -> tuple[Note, ...]:
    code = _unit(header)
    if code not in _TO_MM:
        return tuple(units_not_mm(path.name, [f"a unit that does not exist ({code})"]))
    if to_mm == 1:
        return ()
    message = f"{path.name}: its header gives lengths in {unit}; they were read so, as in 3D Slicer."
    hint = "If the scan is a thousand times too large or too small, or of odd size, the unit in the header is wrong."
    return (Note("unit_converted", message, hint, {"file": path.name, "unit": unit}),)


def _handedness_notes(path: Path, header: Header) -> tuple[Note, ...]:
    factor = float(header.fields["pixdim"][0])
    if factor in (-1.0, 0.0, 1.0) or int(header.fields["qform_code"]) <= 0:
        return ()
    message = (
        f"{path.name}: its header has {factor:g} where 1 or -1 says whether k is mirrored (pixdim[0]); it was read as "
        f"{-1 if factor < 0 else 1}, as in 3D Slicer."
    )
    hint = "Check that the slices are not upside down."
    return (Note("header_disagrees", message, hint, {"file": path.name, "field": "pixdim[0]", "said": str(factor)}),)


def _flat_notes(path: Path, header: Header) -> tuple[Note, ...]:
    if not header.is_flat:
        return ()
    message = (
        f"{path.name}: it is an image of two dimensions, without thickness or height; 1 mm and 0 mm were taken, as in "
        "3D Slicer."
    )
    hint = "Volumes in ml are wrong if the slice is not 1 mm thick: save it as a volume of three dimensions."
    return (Note("slice_without_thickness", message, hint, {"file": path.name}),)
