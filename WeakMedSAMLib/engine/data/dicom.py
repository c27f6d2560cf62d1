"""One DICOM series in a folder, as a volume with even slices, or the reason why it is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data import itk_files
from WeakMedSAMLib.engine.data.file_checks import require_utf8
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.notes import Note

_POSITION, _ORIENTATION, _THICKNESS = "0020|0032", "0020|0037", "0018|0050"
_MODALITY, _DESCRIPTION = "0008|0060", "0008|103e"
# A step this much off the usual one is uneven, not rounding: scanners round positions to 0.1 mm at worst.
_UNEVEN, _UNEVEN_MM = 0.1, 0.1
_EXPORT_HINT = "Load the series in 3D Slicer, which can regularise it, and save it as NRRD."


@dataclass(frozen=True)
class Series:
    """Files of one series, sorted along its slice direction, and the geometry of their volume."""

    files: tuple[str, ...]
    geometry: Geometry
    components: int

    def read(self) -> sitk.Image:
        """Voxels of the series (rescaled, as in Hounsfield units) in its geometry."""
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(self.files)
        image = reader.Execute()
        image.SetOrigin(self.geometry.origin)
        image.SetSpacing(self.geometry.spacing)
        image.SetDirection(self.geometry.direction)
        return image


@dataclass(frozen=True)
class _Slice:
    """Header of one file: position and axes (rows of `axes`: along i, along j) in LPS mm."""

    file: str
    position: np.ndarray
    axes: np.ndarray
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    thickness: float
    components: int

    @property
    def normal(self) -> np.ndarray:
        return np.cross(self.axes[0], self.axes[1])


@dataclass(frozen=True)
class SeriesFolder:
    """A folder that holds one DICOM series: see `source.Source`. Its slices go along the normal: never left-handed."""

    path: Path
    series: Series
    notes: tuple[Note, ...] = ()
    is_segmentation: bool = False
    is_turned: bool = False

    @property
    def geometry(self) -> Geometry:
        """Geometry of the volume that the series makes."""
        return self.series.geometry

    def voxels(self) -> tuple[np.ndarray, tuple[Note, ...]]:
        """See `source.Source`."""
        with itk_files.explained(self.path):
            return sitk.GetArrayFromImage(self.series.read()), ()

    def slicer_voxels(self) -> np.ndarray | None:
        """See `source.Source`."""
        return None


def open_folder(folder: Path) -> SeriesFolder:
    """Open the one series in a folder; raises as `open_series`, and what `itk_files` refuses of any volume."""
    series = open_series(folder)
    itk_files.check_components(folder, series.components)
    itk_files.check_size(folder, series.geometry.size)
    stored = sum(Path(file).stat().st_size for file in series.files)
    itk_files.check_promise(folder, series.geometry.size, 2, stored)
    itk_files.check_geometry(folder, series.geometry)
    return SeriesFolder(folder, series)


def open_series(folder: Path) -> Series:
    """Headers of the one series in a folder; no voxels are read.

    The slice direction is taken from the positions of the slices, so that a tilted gantry becomes the sheared volume
    that it is, not a straightened one.

    Raises
    ------
    UserError
        No images, several series, multi-frame files, missing positions, several orientations or sizes, several images
        at one place, missing or uneven slices.
    """
    slices = [_slice_header(folder, reader) for reader in _only_series(folder)]
    first = slices[0]
    _check_alike(folder, slices)
    slices.sort(key=lambda s: float(s.position @ first.normal))
    step = _even_step(folder, slices)
    spacing = float(np.linalg.norm(step))
    direction = np.column_stack([first.axes[0], first.axes[1], step / spacing])
    geometry = Geometry(
        tuple(slices[0].position.tolist()),
        (first.spacing[0], first.spacing[1], spacing),
        tuple(direction.ravel().tolist()),
        (first.size[0], first.size[1], len(slices)),
    )
    return Series(tuple(s.file for s in slices), geometry, first.components)


def _only_series(folder: Path) -> list[sitk.ImageFileReader]:
    """Readers, headers read, of the files of the only image series in a folder."""
    require_utf8(folder)
    for file in folder.iterdir():
        require_utf8(file)
    readers = {series: [r for f in files if (r := _reader(f))] for series, files in _files_by_series(folder).items()}
    found = {series: some for series, some in readers.items() if some}
    if not found:
        raise UserError(
            "dicom_no_images",
            f"The folder {folder} holds no DICOM images.",
            "Give the folder that holds the files of one series itself, or a .nrrd, .nii, .nii.gz or .mha file.",
        )
    if len(found) > 1:
        listed = "; ".join(_described(readers) for readers in found.values())
        raise UserError(
            "dicom_several_series",
            f"The folder {folder} holds {len(found)} series: {listed}.",
            "Put the files of the wanted series into a folder of their own.",
        )
    return next(iter(found.values()))


def _files_by_series(folder: Path) -> dict[str, tuple[str, ...]]:
    """Names of the files of each series in a folder."""
    gdcm = sitk.ImageSeriesReader
    try:
        ids = gdcm.GetGDCMSeriesIDs(str(folder))
        return {series: gdcm.GetGDCMSeriesFileNames(str(folder), series) for series in ids}
    except RuntimeError as error:
        message = f"The folder {folder} holds a damaged DICOM file: {str(error).splitlines()[-1][:200]}."
        raise UserError("dicom_damaged", message, "Copy the whole series again from the archive.") from error


def _reader(file: str) -> sitk.ImageFileReader | None:
    """Reader of one DICOM image; None for objects without pixels, such as structure sets and reports."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(file)
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return None
    return reader


def _described(readers: list[sitk.ImageFileReader]) -> str:
    name = _tag(readers[0], _DESCRIPTION) or "no description"
    return f"{name} ({_tag(readers[0], _MODALITY) or 'unknown modality'}, {len(readers)} files)"


def _tag(reader: sitk.ImageFileReader, key: str) -> str:
    return reader.GetMetaData(key).strip() if reader.HasMetaDataKey(key) else ""


def _numbers(reader: sitk.ImageFileReader, key: str, count: int) -> np.ndarray | None:
    try:
        values = np.array([float(v) for v in _tag(reader, key).split("\\")])
    except ValueError:
        return None
    return values if values.size == count and np.isfinite(values).all() else None


def _slice_header(folder: Path, reader: sitk.ImageFileReader) -> _Slice:
    file, size = reader.GetFileName(), reader.GetSize()
    if len(size) > 2 and size[2] > 1:
        raise UserError("dicom_multi_frame", f"{file} holds {size[2]} frames in one file.", _EXPORT_HINT)
    position, axes = _numbers(reader, _POSITION, 3), _numbers(reader, _ORIENTATION, 6)
    if position is None or axes is None:
        missing = "position" if position is None else "orientation"
        message = f"{file} does not say the {missing} of its slice in the patient."
        raise UserError("dicom_no_position", message, _EXPORT_HINT)
    thickness = _numbers(reader, _THICKNESS, 1)
    return _Slice(
        file,
        position,
        axes.reshape(2, 3),
        size[:2],
        reader.GetSpacing()[:2],
        float(thickness[0]) if thickness is not None and thickness[0] > 0 else 1.0,
        reader.GetNumberOfComponents(),
    )


def _check_alike(folder: Path, slices: list[_Slice]) -> None:
    first = slices[0]
    for other in slices[1:]:
        if not np.allclose(other.axes, first.axes, atol=1e-3):
            what = "orientations (a localizer, for example)"
        elif other.size != first.size or not np.allclose(other.spacing, first.spacing, rtol=1e-3):
            what = f"sizes ({first.size[0]} x {first.size[1]} and {other.size[0]} x {other.size[1]} pixels)"
        else:
            continue
        raise UserError("dicom_mixed_slices", f"The series in {folder} mixes slices of several {what}.", _EXPORT_HINT)


def _even_step(folder: Path, slices: list[_Slice]) -> np.ndarray:
    """Vector from slice to slice in LPS mm; refuses places taken twice, gaps and uneven steps."""
    first, last, normal = slices[0], slices[-1], slices[0].normal
    if len(slices) == 1:
        return normal * first.thickness
    heights = np.array([float(s.position @ normal) for s in slices])
    steps = np.diff(heights)
    if (steps < 1e-3).any():
        place = heights[int(np.argmin(steps))]
        raise UserError(
            "dicom_repeated_positions",
            f"The series in {folder} holds several images at {place:.2f} mm along its slice direction.",
            "It is probably a time series or has several echoes: put one volume's files into a folder of their own.",
        )
    _check_gaps(folder, heights, steps)
    return (last.position - first.position) / (len(slices) - 1)


def _check_gaps(folder: Path, heights: np.ndarray, steps: np.ndarray) -> None:
    usual = float(np.median(steps))
    gaps = np.flatnonzero(steps > 1.5 * usual)
    if gaps.size:
        missing = int(np.round(steps[gaps] / usual - 1).clip(min=1).sum())
        places = ", ".join(f"between {heights[g]:.2f} and {heights[g + 1]:.2f} mm" for g in gaps[:5])
        raise UserError(
            "dicom_missing_slices",
            f"The series in {folder} lacks about {missing} slice(s), {places} (slice distance {usual:.2f} mm).",
            "Copy the whole series again from the archive.",
        )
    if np.abs(steps - usual).max() > max(_UNEVEN * usual, _UNEVEN_MM):
        raise UserError(
            "dicom_uneven_slices",
            f"The slices of the series in {folder} are {steps.min():.2f} to {steps.max():.2f} mm apart.",
            _EXPORT_HINT,
        )
