"""NRRD and MetaImage files: what their header promises, checked before anything is allocated, and their voxels."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.file_checks import require_utf8, stored_bytes
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.header_checks import check_components, check_geometry, check_promise, check_size, size_3d
from WeakMedSAMLib.engine.data.itk_words import Heard, listening
from WeakMedSAMLib.engine.data.lengths import truncated, unpack
from WeakMedSAMLib.engine.data.meta_header import MetaHeader, read_meta_header
from WeakMedSAMLib.engine.data.notes import Note, sheared_note
from WeakMedSAMLib.engine.data.nrrd_header import NrrdHeader, read_nrrd_header

SUFFIXES = (".nii.gz", ".seg.nrrd", ".nrrd", ".nhdr", ".nii", ".mha", ".mhd")
# Only the reader that the name stands for is used: ITK would go by content, and has readers for dozens of formats.
_READERS = {".mha": "MetaImageIO", ".mhd": "MetaImageIO"}
_NRRD_READER = "NrrdImageIO"


_SENDER = re.compile(r"^(sitk::ERROR:|\[nrrd\] \w+:)\s*")
_CUT_OFF = ("but received", "fread got only", "data not read completely", "data read error", "File cannot be read")
_LENGTH_TOLERANCE = 1e-4
_ANGLE_TOLERANCE = 1e-3  # a twentieth of a degree
_COLLAPSE = sitk.ExtractImageFilter.DIRECTIONCOLLAPSETOIDENTITY
_FOLDER_HINT = "Give the folder of the DICOM series, not one of its files."
_PAIR_HINT = "A pair of .hdr and .img may not say where left is: check it in 3D Slicer and save it as NRRD or .nii.gz."
_WAYS = {".dcm": _FOLDER_HINT, ".ima": _FOLDER_HINT, ".hdr": _PAIR_HINT, ".img": _PAIR_HINT}


@dataclass(frozen=True)
class VolumeFile:
    """A file whose header has been read and found to describe one scalar 3-D volume, or layers of segments.

    Attributes
    ----------
    told : NrrdHeader or MetaHeader, optional
        The header's own words, where ITK passes over some of them.
    layers : int
        More than one in segmentations whose segments overlap.
    pixel : int
        SimpleITK's number of the type of voxels.
    in_place : bool
        Map voxels where they lie in the file, if they lie there as they are used; nobody else may write to it.
    """

    path: Path
    geometry: Geometry
    is_segmentation: bool
    notes: tuple[Note, ...] = ()
    told: NrrdHeader | MetaHeader | None = None
    layers: int = 1
    pixel: int = sitk.sitkUnknown
    in_place: bool = False

    @property
    def is_turned(self) -> bool:
        """Slicer turns left-handed volumes of these formats, but no segmentations."""
        return self.geometry.is_left_handed and not self.is_segmentation

    def voxels(self) -> tuple[np.ndarray, tuple[Note, ...]]:
        """See `source.Source`; of the one layer of a segmentation.

        Raises
        ------
        UserError
            ``segmentation_has_layers`` where there are several.
        """
        if self.layers > 1:
            message = f"{self.path} holds {self.layers} layers of segments that overlap."
            raise UserError("segmentation_has_layers", message, "Name the segment that you want.")
        array, notes = self.stored()
        scale = None if self.told is None else self.told.scale
        return array if scale is None else (array * np.float32(scale[0]) + np.float32(scale[1])), notes

    def stored(self) -> tuple[np.ndarray, tuple[Note, ...]]:
        """Voxels without any scale, layers last where there are several, and what was noticed while reading them."""
        packed = None if self.told is None else self.told.packed_voxels(self.path)
        if self.told is not None and packed is not None:
            return self._unpack(self.told, *packed)
        first = self._first_plain_voxel() if self.in_place else None
        if first is not None:
            return self._map(first)
        with explained(self.path) as heard:
            image = sitk.ReadImage(str(self.path), imageIO=_reader_of(self.path))
            array = sitk.GetArrayFromImage(_place(image, self.geometry))
        longer = () if self.told is None else self.told.check_length(self.path, array.nbytes)
        return array, (*heard.notes(self.path), *longer)

    def slicer_voxels(self) -> np.ndarray | None:
        """See `source.Source`."""
        is_scaled = self.told is not None and self.told.scale is not None
        return self.stored()[0] if is_scaled else None

    def _first_plain_voxel(self) -> int | None:
        """Where voxels begin that lie in the file as this computer holds them."""
        first = self.told.first_plain_byte if isinstance(self.told, NrrdHeader) and self.layers == 1 else None
        is_swapped = isinstance(self.told, NrrdHeader) and self.told.is_big_endian != (sys.byteorder == "big")
        return None if is_swapped and _dtype(self.pixel).itemsize > 1 else first

    def _map(self, first: int) -> tuple[np.ndarray, tuple[Note, ...]]:
        dtype, shape = _dtype(self.pixel), self.geometry.shape
        n_bytes = int(np.prod(shape)) * dtype.itemsize
        there = self.path.stat().st_size - first
        if there < n_bytes:
            raise truncated(self.path, f"its header promises {n_bytes:,} bytes of voxels and {there:,} are there")
        longer = () if self.told is None else self.told.check_length(self.path, n_bytes)
        return np.memmap(self.path, dtype, "r", first, shape), longer

    def _unpack(self, told: NrrdHeader | MetaHeader, where: Path, first: int) -> tuple[np.ndarray, tuple[Note, ...]]:
        shape = (*self.geometry.shape, self.layers) if self.layers > 1 else self.geometry.shape
        dtype = _dtype(self.pixel).newbyteorder(">" if told.is_big_endian else "<")
        found, notes = unpack(self.path, where, first, int(np.prod(shape)) * dtype.itemsize)
        array = np.frombuffer(found, dtype).reshape(shape)
        return array.astype(dtype.newbyteorder("="), copy=False), (*notes, *told.packed_notes(self.path))


def suffix_of(path: Path) -> str:
    """The known volume suffix that a file name ends in, in lower case, or an empty string."""
    return next((s for s in SUFFIXES if path.name.lower().endswith(s)), "")


def reason(error: RuntimeError) -> str:
    """The last line of an ITK error, which is the one that says what is wrong, without its sender."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return _SENDER.sub("", lines[-1]) if lines else "unknown reason"


def open_file(path: Path) -> VolumeFile:
    """Read and check the header of a NRRD or MetaImage file. No voxels are read.

    Raises
    ------
    UserError
        Not found, unknown suffix, not readable, not 3-D, several numbers a voxel, complex numbers, no voxels, more
        voxels than can be, spacing or orientation that is no geometry.
    """
    check_name(path)
    there = _stored_bytes(path)
    told = _read_told(path)
    with explained(path, cut_off=()) as heard:
        source = _described(path, _header(path), there, told)
    return replace(source, notes=(*heard.notes(path), *source.notes))


def check_name(path: Path) -> None:
    """Refuse a file that is not there, or whose name says that it is no volume.

    Raises
    ------
    UserError
        ``volume_not_found``, ``volume_unknown_format``, ``volume_bad_name``.
    """
    require_utf8(path)
    if not path.exists():
        raise UserError(
            "volume_not_found", f"{path} does not exist.", "Check the name and the folder.", values={"file": str(path)}
        )
    if not suffix_of(path):
        ways = "Give a NRRD, NIfTI or MetaImage file (.nrrd, .nii, .nii.gz, .mha) or a folder with a DICOM series."
        raise UserError(
            "volume_unknown_format",
            f"{path} is not a volume file: its name ends in {path.suffix or 'no suffix'}.",
            _WAYS.get(path.suffix.lower(), ways),
            values={"file": str(path)},
        )


def _stored_bytes(path: Path) -> int:
    try:
        return stored_bytes(path)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise UserError(
            "volume_unreadable", message, "Check that it is a file that you may read.", values={"file": str(path)}
        ) from error


def _read_told(path: Path) -> NrrdHeader | MetaHeader | None:
    """The header's own words, if it is one that names everything and places it where Slicer does."""
    reader = _reader_of(path)
    if reader == "NiftiImageIO" or not path.is_file():
        return None
    told = read_nrrd_header(path) if reader == _NRRD_READER else read_meta_header(path)
    told.check(path)
    return told


def _reader_of(path: Path) -> str:
    return _READERS.get(suffix_of(path), _NRRD_READER)


def _header(path: Path) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetImageIO(_reader_of(path))
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    return reader


def _described(
    path: Path,
    header: sitk.ImageFileReader,
    there: int,
    told: NrrdHeader | MetaHeader | None,
) -> VolumeFile:
    layers, pixel = header.GetNumberOfComponents(), header.GetPixelIDValue()
    is_segmentation = isinstance(told, NrrdHeader) and (told.has_segments or path.name.lower().endswith(".seg.nrrd"))
    if not is_segmentation:
        check_components(path, layers)
        _check_pixel(path, pixel)
    size = size_3d(path, header.GetSize())
    i, j, k = size
    check_size(path, (i, j, k * layers))
    check_promise(path, (i, j, k * layers), _dtype(pixel).itemsize, there)
    geometry = _geometry_3d(header, size)
    check_geometry(path, geometry)
    if told is not None:
        told.check_read(path, header.GetSize(), geometry)
    notes = () if told is None else (*told.notes(path.name, geometry), *_axes_notes(path.name, geometry))
    return VolumeFile(path, unit_axes(geometry), is_segmentation, notes, told, layers, pixel)


def _dtype(pixel: int) -> np.dtype:
    return sitk.GetArrayViewFromImage(sitk.Image([1, 1, 1], pixel)).dtype


def _axes_notes(file: str, geometry: Geometry) -> Iterator[Note]:
    """What the axes themselves tell: whether they have the length 1, and right angles."""
    lengths = np.linalg.norm(geometry.axes, axis=0)
    if np.abs(lengths - 1).max() > _LENGTH_TOLERANCE:
        spacing = unit_axes(geometry).spacing
        message = (
            f"{file}: its axes have the lengths {_listed(lengths)} and not 1; the spacing is {_listed(spacing)} mm."
        )
        values = {"file": file, "spacing_mm": spacing}
        yield Note("axes_not_unit", f"{message} 3D Slicer reads it so.", "Check the spacing.", values)
    cosines = np.abs((geometry.axes / lengths).T @ (geometry.axes / lengths) - np.eye(3))
    if cosines.max() > _ANGLE_TOLERANCE:
        yield sheared_note(file, float(np.degrees(np.arcsin(cosines.max()))))


def unit_axes(geometry: Geometry) -> Geometry:
    """The same grid with axes of length 1: what they are longer goes into the spacing."""
    lengths = np.linalg.norm(geometry.axes, axis=0)
    if np.abs(lengths - 1).max() <= _LENGTH_TOLERANCE:
        return geometry
    i, j, k = (geometry.spacing * lengths).tolist()
    return replace(geometry, spacing=(i, j, k), direction=tuple((geometry.axes / lengths).ravel().tolist()))


def _listed(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:.6g}" for number in numbers)


def _geometry_3d(header: sitk.ImageFileReader, size: tuple[int, int, int]) -> Geometry:
    """Geometry of a header of 2 or more dimensions: its first three axes; a missing third one is 1 mm.

    An axis of negative spacing runs the other way, as in ITK and 3D Slicer.
    """
    n = header.GetDimension()
    used = min(n, 3)
    direction = np.eye(3)
    direction[:used, :used] = np.array(header.GetDirection()).reshape(n, n)[:used, :used]
    origin = (*header.GetOrigin()[:used], 0.0)[:3]
    spacing = np.array((*header.GetSpacing()[:used], 1.0)[:3])
    direction = np.where(spacing < 0, -direction, direction)
    i, j, k = np.abs(spacing).tolist()
    return Geometry(origin, (i, j, k), tuple(direction.ravel().tolist()), size)


def _check_pixel(path: Path, pixel: int) -> None:
    if pixel in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
        raise UserError(
            "volume_is_complex",
            f"{path} holds complex numbers.",
            "Export the magnitude image.",
            values={"file": str(path)},
        )
    if pixel == sitk.sitkUnknown:
        message = f"{path} holds voxels of a type that cannot be read."
        raise UserError(
            "volume_unreadable", message, "Open it in 3D Slicer and save it as NRRD.", values={"file": str(path)}
        )


def _place(image: sitk.Image, geometry: Geometry) -> sitk.Image:
    """The image as 3-D, in a geometry known from the header."""
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    elif image.GetDimension() > 3:
        flat = [0] * (image.GetDimension() - 3)
        image = sitk.Extract(image, (*geometry.size, *flat), [0] * image.GetDimension(), _COLLAPSE)
    image.SetOrigin(geometry.origin)
    image.SetSpacing(geometry.spacing)
    image.SetDirection(geometry.direction)
    return image


@contextmanager
def explained(path: Path, cut_off: tuple[str, ...] = _CUT_OFF) -> Iterator[Heard]:
    """Turn ITK's errors about a file into ones that the user can act on, and hear what else it says."""
    try:
        with listening() as heard:
            yield heard
    except RuntimeError as error:
        if "allocate memory" in str(error):
            raise MemoryError(str(error)) from error
        if any(words in str(error) for words in cut_off):
            raise truncated(path, "it ends before its last voxel") from error
        raise UserError(
            "volume_unreadable",
            f"{path} cannot be read: {reason(error)}.",
            "It is damaged, or not what its name says: copy it again, or open it in 3D Slicer and save it as NRRD.",
            values={"file": str(path)},
        ) from error
