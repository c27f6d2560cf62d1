"""The header of a MetaImage file, and what ITK and 3D Slicer pass over in silence or get wrong.

Source: MetaIO's documentation, "MetaImage reference", https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.lengths import check_raw, require_beside, require_read
from WeakMedSAMLib.engine.data.notes import (
    Note,
    other_values_note,
    position_missing,
    spacing_missing,
    units_not_mm,
)

_LONGEST = 2**24
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f]")
_DIRECTIONS = ("TransformMatrix", "Rotation", "Orientation")
_ORIGINS = ("Offset", "Position", "Origin")
# Without a value on their line MetaIO takes what stands on the next one.
_NEED_A_VALUE = (
    *("NDims", "DimSize", "ElementType", "ElementNumberOfChannels", "HeaderSize", "ElementSpacing", "ElementSize"),
    *("BinaryData", "BinaryDataByteOrderMSB", "ElementByteOrderMSB", "CompressedData", "CompressedDataSize"),
    *("ElementToIntensityFunctionSlope", "ElementToIntensityFunctionOffset"),
    *(*_DIRECTIONS, *_ORIGINS),
)
# Where an axis begins: at the patient's right, front and feet if it runs along L, P, S.
_LETTERS = (("R", "L"), ("A", "P"), ("I", "S"))


@dataclass(frozen=True)
class MetaHeader:
    """Fields of a MetaImage header by name.

    Attributes
    ----------
    first_byte : int
        Where the voxels begin in a file that holds them too.
    """

    fields: Mapping[str, str]
    first_byte: int

    @property
    def is_local(self) -> bool:
        """Whether the voxels are in the same file."""
        return self.fields.get("ElementDataFile", "").lower() == "local"

    @property
    def is_big_endian(self) -> bool:
        """Byte order of the voxels."""
        return self._is_true("BinaryDataByteOrderMSB") or self._is_true("ElementByteOrderMSB")

    def _is_true(self, name: str, otherwise: str = "False") -> bool:
        return self.fields.get(name, otherwise).lstrip("= ")[:1] in ("T", "t", "1")

    @property
    def scale(self) -> tuple[float, float] | None:
        """Slope and offset that make intensities of elements; None where they are these already."""
        slope = (self.numbers("ElementToIntensityFunctionSlope") or [1.0])[0]
        offset = (self.numbers("ElementToIntensityFunctionOffset") or [0.0])[0]
        return None if (slope, offset) == (1.0, 0.0) else (slope, offset)

    def check(self, path: Path) -> None:
        """Refuse a file in which ITK would read the header as voxels, or those of another file.

        Raises
        ------
        UserError
            ``volume_unreadable``, ``volume_data_missing``; ``volume_bad_header`` for a name without a value;
            ``volume_bad_scale`` for numbers that make no intensities.
        """
        bare = next((name for name in _NEED_A_VALUE if self.fields.get(name, "?") == ""), None)
        if bare is not None:
            message = f"{path} gives no value to {bare} on its line of the header."
            raise UserError("volume_bad_header", message, "Correct that line, or export the volume again.")
        skipped = self._whole("HeaderSize")
        if self.is_local and skipped > 0 and skipped != self.first_byte:
            raise UserError(
                "volume_unreadable",
                f"{path} says that its voxels begin at byte {skipped} (HeaderSize), but its header ends at byte "
                f"{self.first_byte}.",
                "Remove the line HeaderSize from the header.",
            )
        require_beside(path, None if self.is_local else self.fields.get("ElementDataFile"))
        slope, offset = self.scale or (1.0, 0.0)
        if not np.isfinite([slope, offset]).all() or slope == 0:
            message = f"{path} scales its voxels by {slope:g} and adds {offset:g} (ElementToIntensityFunction)."
            raise UserError("volume_bad_scale", message, "Correct these lines of its header, or export it again.")

    def notes(self, file: str, geometry: Geometry) -> tuple[Note, ...]:
        """What the header leaves out or contradicts."""
        found = (_spacing(file, self), _place(file, self), _orientation(file, self, geometry), _scale(file, self))
        units = units_not_mm(file, sorted({self.fields.get("DistanceUnits", "mm")} - {"mm", "", "?"}))
        return tuple(note for each in (*found, units) for note in each)

    def check_length(self, path: Path, n_bytes: int) -> tuple[Note, ...]:
        """Compare the length of the file with that of its unpacked voxels; raises as `lengths.check_raw`."""
        if not self._is_true("BinaryData", "True") or "HeaderSize" in self.fields:
            return ()
        where, first = self._voxels(path)
        return check_raw(path, where, first, n_bytes)

    def packed_voxels(self, path: Path) -> tuple[Path, int] | None:
        """File and first byte of packed voxels; None where they are not packed."""
        return self._voxels(path) if self._is_true("CompressedData") else None

    def check_read(self, path: Path, size: tuple[int, ...], geometry: Geometry) -> None:
        """Compare size and place with what ITK made of them; raises as `lengths.require_read`."""
        require_read(path, "NDims", self.numbers("NDims"), [len(size)])
        require_read(path, "DimSize", self.numbers("DimSize")[: len(size)], size)
        if len(size) != 3:
            return
        spacing, matrix = np.array(geometry.spacing), geometry.axes.T
        said = self._first(("ElementSpacing", "ElementSize"), 3, np.ones(3))
        require_read(path, "spacing", np.abs(said), spacing)
        turned = np.sign(np.where(said == 0, 1, said))[:, None]
        require_read(path, "matrix", self._first(_DIRECTIONS, 9, np.eye(3).ravel()), (matrix * turned).ravel())
        require_read(path, "origin", self._first(_ORIGINS, 3, np.zeros(3)), geometry.origin)

    def _first(self, names: tuple[str, ...], count: int, otherwise: np.ndarray) -> np.ndarray:
        """The first numbers of a field; of none where the field holds too few."""
        is_there = any(name in self.fields for name in names)
        return np.array(self.numbers(*names)[:count]) if is_there else otherwise

    def packed_notes(self, path: Path) -> tuple[Note, ...]:
        """What 3D Slicer makes of packed voxels that the product reads."""
        where, first = self._voxels(path)
        said, there = self._whole("CompressedDataSize"), where.stat().st_size - first
        if said == there or (said == 0 and not self.is_local):
            return ()
        why = f"it has {there:,} bytes of packed voxels, its header says {said or 'no number'}; it was read whole."
        hint = "3D Slicer shows noise: write it again with CompressedDataSize, or unpacked."
        return (other_values_note(path.name, "packed_size", why, hint, there=there, said=said),)

    def _voxels(self, path: Path) -> tuple[Path, int]:
        """The file that holds the voxels, and where they begin."""
        return (path, self.first_byte) if self.is_local else (path.parent / self.fields["ElementDataFile"], 0)

    def _whole(self, name: str) -> int:
        number = (self.numbers(name) or [0.0])[0]
        return int(number) if np.isfinite(number) else 0

    def numbers(self, *names: str) -> list[float]:
        """Numbers of the first of these fields that is there; empty where none is, or it holds none."""
        text = next((self.fields[name] for name in names if name in self.fields), "")
        try:
            return [float(word) for word in text.split()]
        except ValueError:
            return []


def read_meta_header(path: Path) -> MetaHeader:
    """Read the header of a file that ITK takes for MetaImage.

    Raises
    ------
    UserError
        ``volume_bad_header`` for a control character: each program takes what stands around it in its own way.
    """
    fields: dict[str, str] = {}
    with path.open("rb") as stream:
        while stream.tell() < _LONGEST and (line := stream.readline(_LONGEST)):
            if _CONTROL.search(line.rstrip(b"\r\n")):
                message = f"{path} has a control character in line {len(fields) + 1} of its header."
                raise UserError("volume_bad_header", message, "It is damaged: copy it again, or export it again.")
            name, _, value = re.sub("[:=]", "=", line.decode("utf-8", "replace"), count=1).partition("=")
            fields.setdefault(name.strip(), value.strip())
            if name.strip() == "ElementDataFile":
                break
        return MetaHeader(fields, stream.tell())


def _spacing(file: str, header: MetaHeader) -> Iterator[Note]:
    spacing, size = header.numbers("ElementSpacing"), header.numbers("ElementSize")
    values = {"file": file, "spacing": spacing, "size": size}
    if not spacing and not size:
        yield spacing_missing(file, "any axis (ElementSpacing)", values)
    elif not spacing:
        message = f"{file}: it gives the size of its voxels but no spacing; the size was taken, as 3D Slicer does."
        yield Note("spacing_from_size", message, "If there are gaps between slices, correct the spacing.", values)
    elif size and not np.allclose(np.abs(size), np.abs(spacing), rtol=1e-3):
        message = f"{file}: its voxels have another size than spacing; the spacing counts, as in 3D Slicer."
        yield Note("spacing_and_size_differ", message, "Check the distance of slices.", values)


def _place(file: str, header: MetaHeader) -> Iterator[Note]:
    if not any(name in header.fields for name in _ORIGINS):
        yield position_missing(file, "origin (Offset)")
    if not any(name in header.fields for name in _DIRECTIONS):
        yield position_missing(file, "orientation (TransformMatrix)")


def _scale(file: str, header: MetaHeader) -> Iterator[Note]:
    if header.scale is not None:
        slope, offset = header.scale
        why = f"its voxels were multiplied by {slope:g} and {offset:g} was added, as its header says."
        hint = "3D Slicer passes over these lines (ElementToIntensityFunction) and shows the stored values."
        yield other_values_note(file, "scale", why, hint, slope=slope, intercept=offset)


def _orientation(file: str, header: MetaHeader, geometry: Geometry) -> Iterator[Note]:
    """AnatomicalOrientation is for people: it names the nearest ends of the axes, and does not count."""
    said, axes = header.fields.get("AnatomicalOrientation", "").upper(), geometry.axes
    lying = "".join(_LETTERS[row][int(axes[row, n] < 0)] for n, row in enumerate(np.abs(axes).argmax(0)))
    if said.strip("?") and len(said) == 3 and said != lying:
        message = f"{file}: it says that its axes begin at {said}, but its matrix places them at {lying}."
        hint = "The matrix counts, as in 3D Slicer. Check left and right, and export it again if they are wrong."
        yield Note("orientation_differs", message, hint, {"file": file, "said": said, "matrix": lying})
