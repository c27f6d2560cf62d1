"""The header of a NRRD file: its fields, its key-value pairs, and what ITK and 3D Slicer pass over in silence.

Source: the definition of the NRRD file format, http://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.nrrd import parse_header
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.lengths import check_raw, require_beside, require_read
from WeakMedSAMLib.engine.data.notes import RESAVE_HINT, Note, position_missing, spacing_missing, units_not_mm

# Spaces that say where the patient's left, front and head are; ITK and Slicer take all others as LPS.
_PLACED = ("rightanteriorsuperior", "ras", "leftanteriorsuperior", "las", "leftposteriorsuperior", "lps")
_RAS, _LAS = np.diag([-1.0, -1.0, 1.0]), np.diag([1.0, -1.0, 1.0])
_TO_LPS = {"rightanteriorsuperior": _RAS, "ras": _RAS, "leftanteriorsuperior": _LAS, "las": _LAS}
_SEGMENT = re.compile(r"Segmentation_\w|Segment\d+_\w|ContainedRepresentationNames$")
_SPATIAL = ("domain", "space", "???", "none")


@dataclass(frozen=True)
class NrrdHeader:
    """Fields of a NRRD header by name (lower case, no spaces), and its key-value pairs as they are.

    Attributes
    ----------
    first_byte : int
        Where the voxels begin in a file that holds them too.
    """

    fields: Mapping[str, str]
    pairs: Mapping[str, str]
    first_byte: int

    @property
    def scale(self) -> tuple[float, float] | None:
        """NRRD has no scale that counts."""
        return None

    @property
    def has_segments(self) -> bool:
        """Whether it is a segmentation of 3D Slicer."""
        return any(_SEGMENT.match(key) for key in self.pairs)

    def check(self, path: Path) -> None:
        """Refuse a file that the standard places elsewhere than ITK and Slicer do, or that lacks its voxels.

        Raises
        ------
        UserError
            ``volume_bad_geometry``: its spacing stands in ``axis mins`` and ``axis maxs`` alone, which Slicer passes
            over; ``volume_data_missing``.
        """
        extent = self.words("axismins") or self.words("axismaxs")
        if extent and not any(_is_number(word) for word in self.words("spacings")):
            raise UserError(
                "volume_bad_geometry",
                f"{path} gives the ends of its axes (axis mins, axis maxs) but no spacing: 3D Slicer would take 1 mm.",
                "Write it again with spacings or space directions.",
                values={"file": str(path)},
            )
        require_beside(path, self.fields.get("datafile"))

    def notes(self, file: str, _geometry: Geometry) -> tuple[Note, ...]:
        """What the header leaves out, or says and Slicer does not heed."""
        return tuple(note for found in (_spacing, _place, _units, _range, _kinds) for note in found(file, self))

    def check_length(self, path: Path, n_bytes: int) -> tuple[Note, ...]:
        """Compare the length of the file with that of its unpacked voxels; raises as `lengths.check_raw`."""
        if self._encoding != "raw" or self._skips:
            return ()
        where, first = self._voxels(path)
        return check_raw(path, where, first, n_bytes)

    def packed_voxels(self, path: Path) -> tuple[Path, int] | None:
        """File and first byte of packed voxels; None where something else comes first, or layers come last."""
        is_packed = self._encoding in ("gzip", "gz") and not self._skips and self._list_axis <= 0
        return self._voxels(path) if is_packed else None

    @property
    def first_plain_byte(self) -> int | None:
        """Where unpacked voxels begin in the file itself; None where something else comes first, or they are packed."""
        is_plain = self._encoding == "raw" and not self._skips and "datafile" not in self.fields
        return self.first_byte if is_plain else None

    def packed_notes(self, _path: Path) -> tuple[Note, ...]:
        """Slicer reads all of them."""
        return ()

    @property
    def is_big_endian(self) -> bool:
        """Byte order of the voxels."""
        return self.fields.get("endian", "little").lower() == "big"

    @property
    def _encoding(self) -> str:
        return self.fields.get("encoding", "raw").lower()

    @property
    def _skips(self) -> bool:
        return any(self.fields.get(name, "0") != "0" for name in ("lineskip", "byteskip"))

    def _voxels(self, path: Path) -> tuple[Path, int]:
        """The file that holds the voxels, and where they begin."""
        beside = self.fields.get("datafile")
        return (path, self.first_byte) if beside is None else (path.parent / beside, 0)

    def check_read(self, path: Path, size: tuple[int, ...], geometry: Geometry) -> None:
        """Compare size and place with what ITK made of them; raises as `lengths.require_read`."""
        sizes = [_number(word) for word in self.words("sizes")]
        spatial = sizes if len(sizes) == len(size) else [n for axis, n in enumerate(sizes) if axis != self._list_axis]
        require_read(path, "dimension", [_number(word) for word in self.words("dimension")], [len(sizes)])
        require_read(path, "sizes", spatial, size)
        if len(size) == 3:
            self._check_place(path, geometry)

    def _check_place(self, path: Path, geometry: Geometry) -> None:
        turn = _TO_LPS.get(self.space, np.eye(3))
        vectors = [_vector(word) for word in self.words("spacedirections") if word.lower() != "none"]
        if len(vectors) == 3:
            said = [number for vector in vectors for number in vector]
            require_read(path, "space directions", said, (turn @ geometry.axes * geometry.spacing).T)
        if "spaceorigin" in self.fields:
            require_read(path, "space origin", _vector(self.fields["spaceorigin"]), turn @ geometry.origin)
        if len(spacings := self.words("spacings")) == 3:
            known = [axis for axis, word in enumerate(spacings) if word.lower() != "nan"]
            said = [abs(_number(spacings[axis])) for axis in known]
            require_read(path, "spacings", said, [geometry.spacing[axis] for axis in known])

    @property
    def space(self) -> str:
        """Name of the space without the signs between its words; empty where it is not said."""
        return "".join(self.fields.get("space", "").lower().replace("-", "").split())

    @property
    def _list_axis(self) -> int:
        """The axis that is none in space, such as that of layers; -1 for none."""
        kinds = self.words("kinds")
        return next((axis for axis in range(len(kinds)) if _is_list(kinds, axis)), -1)

    def words(self, name: str) -> list[str]:
        """The parts of a field, one an axis; empty where it is not there. Vectors stay whole."""
        return re.findall(r'\([^)]*\)|"[^"]*"|\S+', self.fields.get(name, ""))


def read_nrrd_header(path: Path) -> NrrdHeader:
    """Read the header of a file that ITK takes for NRRD."""
    with path.open("rb") as stream:
        fields, pairs = parse_header(stream)
        return NrrdHeader(fields, {key: value.strip() for key, value in pairs.items()}, stream.tell())


def _spacing(file: str, header: NrrdHeader) -> Iterator[Note]:
    """Spacing that is not said is 1 in ITK and Slicer."""
    directions, spacings = header.words("spacedirections"), header.words("spacings")
    kinds = header.words("kinds")
    given = directions or spacings
    missing = [n for n, word in enumerate(given) if not _is_length(word) and not _is_list(kinds, n)]
    if given and not missing:
        return
    axes = "any axis" if not given else "axis " + ", ".join(str(n) for n in missing)
    values = {"file": file, "axes": missing}
    yield spacing_missing(file, f"{axes} (spacings, space directions)", values)


def _place(file: str, header: NrrdHeader) -> Iterator[Note]:
    """Where the patient is that the voxels belong to."""
    space = header.space
    values = {"file": file, "space": header.fields.get("space")}
    if space and space not in _PLACED:
        message = f"{file}: its space is {header.fields['space']!r}, which does not say where left and front are."
        message += " It was read as left-posterior-superior, as 3D Slicer does."
        yield Note("space_unknown", message, RESAVE_HINT, values)
    elif not space:
        yield position_missing(file, "space and orientation")
    if space and "spaceorigin" not in header.fields:
        yield position_missing(file, "space origin")
    if space and "spacedirections" not in header.fields:
        yield position_missing(file, "space directions")


def _units(file: str, header: NrrdHeader) -> Iterator[Note]:
    units = {word.strip('" ') for name in ("spaceunits", "units") for word in header.words(name)}
    yield from units_not_mm(file, sorted(units - {"", "mm", "millimeter", "millimetre", "???", "none"}))


def _range(file: str, header: NrrdHeader) -> Iterator[Note]:
    if "oldmin" in header.fields or "oldmax" in header.fields:
        low, high = (header.fields.get(name) for name in ("oldmin", "oldmax"))
        message = f"{file}: its values stand for {low} to {high}; they were read as stored, as 3D Slicer does."
        values = {"file": file, "old_min": low, "old_max": high}
        yield Note("values_rescaled", message, "If the true values matter, export it again with them.", values)


def _kinds(file: str, header: NrrdHeader) -> Iterator[Note]:
    others = [kind for kind in header.words("kinds")[:3] if kind.lower() not in (*_SPATIAL, "list", "vector")]
    if others and header.fields.get("dimension") == "3":
        message = f"{file}: an axis is said to be {others[0]!r}; it was read as an axis in space, as 3D Slicer does."
        yield Note(
            "axis_not_in_space",
            message,
            "If it is a series in time, export one volume.",
            {"file": file, "kinds": others},
        )


def _is_list(kinds: list[str], axis: int) -> bool:
    return axis < len(kinds) and kinds[axis].lower() not in _SPATIAL


def _is_length(word: str) -> bool:
    parts = word.strip("()").split(",")
    return all(_is_number(part) for part in parts) and any(float(part) != 0 for part in parts)


def _is_number(word: str) -> bool:
    return bool(np.isfinite(_number(word)))


def _number(word: str) -> float:
    """NaN for what is no number."""
    try:
        return float(word)
    except ValueError:
        return np.nan


def _vector(text: str) -> list[float]:
    return [_number(part) for part in text.strip("() ").split(",")]
