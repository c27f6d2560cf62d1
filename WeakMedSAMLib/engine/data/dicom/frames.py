"""What each slice is: its place, its size, how its pixels are stored, and what tells it from other acquisitions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.dicom import tags
from WeakMedSAMLib.engine.data.dicom.header import Header
from WeakMedSAMLib.engine.data.dicom.tags import FAULTS, damaged
from WeakMedSAMLib.engine.data.dicom.values import (
    Scale,
    Stored,
    check_grey,
    padding_of,
    scale_in_slicer,
    scale_of,
    stored_of,
)

EXPORT_HINT = "Load the series in 3D Slicer, which can regularise it, and save it as NRRD."
_SHARED, _EACH = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_NESTED = (Tag(_SHARED), Tag(_EACH))
_SQUARE = 1e-3
_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


@dataclass(frozen=True, eq=False)
class Frame:
    """One slice of a series.

    Attributes
    ----------
    header : Header
        The file that holds it.
    index : int
        Its number in that file, from 0.
    position : numpy.ndarray
        Centre of its first pixel, LPS mm.
    axes : numpy.ndarray
        Rows are the unit vectors along i and along j.
    has_unit_axes : bool
        Whether they are so in the file.
    size : tuple
        Columns and rows.
    spacing : tuple
        Distance of neighbouring pixels along i and j in mm.
    thickness, between : float or None
        Slice thickness and spacing between slices in mm, as the header says.
    stored, scale, padding
        See `values`.
    scale_in_slicer : Scale
        What ITK makes of the rescale, for 3D Slicer.
    marks : mapping
        What tells acquisitions apart, by name, in words; see `acquisition_marks` and `moment_marks`.
    moments : mapping
        What tells images at one place apart, but differs within a volume as well.
    """

    header: Header
    index: int
    position: np.ndarray
    axes: np.ndarray
    has_unit_axes: bool
    size: tuple[int, int]
    spacing: tuple[float, float]
    thickness: float | None
    between: float | None
    stored: Stored
    scale: Scale
    scale_in_slicer: Scale
    padding: tuple[float, float] | None
    marks: Mapping[str, str]
    moments: Mapping[str, str]

    @property
    def file(self) -> Path:
        """The file that holds it."""
        return self.header.file

    @property
    def normal(self) -> np.ndarray:
        """Unit vector at right angles to the slice, to the right-handed side."""
        return np.cross(self.axes[0], self.axes[1])

    @property
    def what(self) -> str:
        """How to call it in a message."""
        return str(self.file) if self.header.n_frames == 1 else f"frame {self.index + 1} of {self.file}"


def frames_of(header: Header) -> list[Frame]:
    """The slices in a file.

    Raises
    ------
    UserError
        ``dicom_damaged``, ``dicom_multi_frame``, ``dicom_mosaic``, ``dicom_no_position``, ``dicom_no_spacing``,
        ``dicom_bad_orientation``, ``volume_is_vector``, ``volume_is_segmentation``, ``dicom_pixel_type``.
    """
    check_grey(header.file, header.dataset)
    _refuse_kinds(header)
    _check_length(header)
    return [_frame(header, index, dataset) for index, dataset in enumerate(_datasets(header))]


def _refuse_kinds(header: Header) -> None:
    if header.kind == _SEGMENTATION:
        message = f"{header.file} is a segmentation, not a scan."
        hint = "Give the series that it was drawn on. If its masks are wanted, save them in 3D Slicer as .seg.nrrd."
        raise UserError("volume_is_segmentation", message, hint)
    if "MOSAIC" in header.text("ImageType").split("\\"):
        raise UserError(
            "dicom_mosaic",
            f"{header.file} is a mosaic: all slices of a volume beside each other in one image.",
            "Convert the series by dcm2niix, which takes mosaics apart, or export it as enhanced DICOM.",
            {"file": str(header.file)},
        )


def _check_length(header: Header) -> None:
    """Refuse pixels that are fewer or more than the header says."""
    excess = excess_bytes(header)
    if header.pixels is None or (0 <= excess <= 1) or _is_filling(header.pixels.end, excess):
        return
    rows, columns, bits = _shape(header)
    shape = f"{columns} x {rows} pixels of {bits} bits" + (f" x {header.n_frames}" if header.n_frames > 1 else "")
    length = header.pixels.length or 0
    raise damaged(header.file, f"{shape} are {length - excess:,} bytes, and it holds {length:,}")


def excess_bytes(header: Header) -> int:
    """How many bytes a file has beyond those of its pixels; negative where there are too few, 0 if compressed."""
    if header.pixels is None or header.pixels.length is None:
        return 0
    rows, columns, bits = _shape(header)
    return header.pixels.length - -(-rows * columns * header.n_frames * bits // 8)


def _shape(header: Header) -> tuple[int, int, int]:
    rows, columns, bits = (tags.whole(header.dataset, k, header.file) for k in ("Rows", "Columns", "BitsAllocated"))
    return rows, columns, bits


def _is_filling(end: bytes, excess: int) -> bool:
    """Whether what follows the pixels is nothing but a few zeros, which some writers put there."""
    return 0 < excess <= len(end) and not any(end[-excess:])


def _datasets(header: Header) -> Iterator[Dataset]:
    """The elements of each slice: those of the file, for an enhanced file with its functional groups."""
    if _EACH not in header.dataset:
        if header.n_frames > 1:
            message = f"{header.file} holds {header.n_frames} frames in one file, and does not say where each lies."
            raise UserError("dicom_multi_frame", message, EXPORT_HINT, {"file": str(header.file)})
        yield header.dataset
        return
    each = tags.value(header.dataset, _EACH, header.file) or []
    if len(each) != header.n_frames:
        raise damaged(header.file, f"it holds {header.n_frames} frames and describes {len(each)}")
    common = _flat(header.file, header.dataset, tags.value(header.dataset, _SHARED, header.file) or [])
    for group in each:
        yield _flat(header.file, common, [group])


def _flat(file: Path, common: Dataset, groups: list[Dataset]) -> Dataset:
    """Elements of a dataset and of the functional groups of a frame, on one level."""
    flat = Dataset()
    try:
        flat.update({tag: item for tag in _flat_tags(common) if (item := common.get_item(tag)) is not None})
        for group in groups:
            for sequence in group:
                # Makers keep copies of elements in private groups, which say nothing of this frame (Philips).
                if sequence.VR == "SQ" and sequence.value and not sequence.tag.is_private:
                    flat.update(sequence.value[0])
        for direction in flat.get("DiffusionGradientDirectionSequence") or []:
            flat.update(direction)
    except FAULTS as error:
        raise damaged(file, f"its functional groups cannot be read ({error})") from error
    return flat


def _flat_tags(dataset: Dataset) -> list[BaseTag]:
    return [tag for tag in dataset.keys() if tag not in _NESTED]  # noqa: SIM118 - values stay unread


def _frame(header: Header, index: int, dataset: Dataset) -> Frame:
    file = header.file
    stored = stored_of(header, dataset)
    position, axes = _place(file, dataset)
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    return Frame(
        header,
        index,
        position,
        axes / lengths,
        bool(np.abs(lengths - 1).max() < _SQUARE),
        (tags.whole(dataset, "Columns", file), tags.whole(dataset, "Rows", file)),
        _spacing(file, dataset),
        _positive(tags.number(dataset, "SliceThickness", file)),
        _positive(tags.number(dataset, "SpacingBetweenSlices", file)),
        stored,
        scale_of(file, dataset),
        scale_in_slicer(file, dataset),
        padding_of(file, dataset, stored),
        acquisition_marks(file, dataset),
        moment_marks(file, dataset),
    )


def _positive(number: float | None) -> float | None:
    return number if number is not None and number > 0 else None


def _place(file: Path, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    position = tags.numbers(dataset, "ImagePositionPatient", file, 3)
    axes = tags.numbers(dataset, "ImageOrientationPatient", file, 6)
    if position is None or axes is None:
        missing = "position" if position is None else "orientation"
        message = f"{file} does not say the {missing} of its slice in the patient."
        raise UserError("dicom_no_position", message, EXPORT_HINT, {"file": str(file)})
    axes = axes.reshape(2, 3)
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    if not (lengths > 0.5).all() or abs(np.dot(*(axes / lengths))) > _SQUARE:
        shown = "\\".join(f"{number:g}" for number in axes.ravel())
        message = f"{file} has an orientation of {shown}, whose axes are not at right angles."
        raise UserError("dicom_bad_orientation", message, "Export the series again from the archive.")
    return position, axes


def _spacing(file: Path, dataset: Dataset) -> tuple[float, float]:
    """Distance of pixels along i and j. What DICOM calls row spacing comes first, and is the distance along j."""
    spacing = tags.numbers(dataset, "PixelSpacing", file, 2)
    if spacing is not None and (spacing > 0).all():
        return float(spacing[1]), float(spacing[0])
    elsewhere = next((k for k in ("ImagerPixelSpacing", "NominalScannedPixelSpacing") if k in dataset), None)
    what = "no PixelSpacing" if spacing is None else f"a PixelSpacing of {spacing[0]:g}\\{spacing[1]:g}"
    but = f", only {elsewhere}, which is that of the detector, not of the patient" if elsewhere else ""
    raise UserError(
        "dicom_no_spacing",
        f"{file} has {what}{but}: the size of its pixels is not known.",
        "Export the series again with all of its header; if you know the spacing, load the series in 3D Slicer, set it "
        "there (Volumes, Volume Information) and save it as NRRD.",
        {"file": str(file)},
    )


def _number(file: Path, dataset: Dataset, *keywords: str | int) -> str:
    """The first of some elements that is there, as a number without needless digits."""
    for keyword in keywords:
        found = tags.text(dataset, keyword, file)
        if found:
            try:
                return "\\".join(f"{float(part):.10g}" for part in found.split("\\"))
            except ValueError:
                return found
    return ""


def acquisition_marks(file: Path, dataset: Dataset) -> dict[str, str]:
    """What one volume has one of, by name."""
    return {
        "modality": tags.text(dataset, "Modality", file),
        "series_number": _number(file, dataset, "SeriesNumber"),
        "echo_time": _number(file, dataset, "EchoTime", "EffectiveEchoTime"),
        "echo_number": _number(file, dataset, "EchoNumbers"),
        "component": tags.text(dataset, "ComplexImageComponent", file),
        "image_type": tags.text(dataset, "FrameType", file) or tags.text(dataset, "ImageType", file),
        "b_value": _b_value(file, dataset),
        "gradient": _number(file, dataset, "DiffusionGradientOrientation", *_private(dataset, 0x19, "SIEMENS", 0x0E)),
        "inversion_time": _number(file, dataset, "InversionTime"),
        "flip_angle": _number(file, dataset, "FlipAngle"),
        "time_point": _number(file, dataset, "TemporalPositionIdentifier", "TemporalPositionIndex"),
        "cardiac_phase": _number(file, dataset, "NominalPercentageOfCardiacPhase"),
        "kernel": tags.text(dataset, "ConvolutionKernel", file),
        "kvp": _number(file, dataset, "KVP"),
        "stack": tags.text(dataset, "StackID", file),
    }


def _private(dataset: Dataset, group: int, creator: str, element: int) -> list[int]:
    """Tag of a private element, if its creator is the maker that is meant."""
    reserved = group << 16 | 0x10
    found = str(dataset[reserved].value) if reserved in dataset else ""
    return [group << 16 | 0x1000 | element] if found.upper().startswith(creator) else []


def _b_value(file: Path, dataset: Dataset) -> str:
    siemens, philips = _private(dataset, 0x19, "SIEMENS", 0x0C), _private(dataset, 0x2001, "PHILIPS", 0x03)
    found = _number(file, dataset, "DiffusionBValue", *siemens, *philips)
    for tag in _private(dataset, 0x43, "GEMS", 0x39):
        # GE adds a thousand million to b-values of some software.
        first = _number(file, dataset, tag).partition("\\")[0]
        found = found or (str(int(float(first)) % 100000) if re.fullmatch(r"[\d.e+]+", first) else first)
    named = re.search(r"_b(\d+)", tags.text(dataset, "SequenceName", file))
    return found or (named.group(1) if named else "")


def moment_marks(file: Path, dataset: Dataset) -> dict[str, str]:
    """What images at one place may differ in; slices of one volume may, too."""
    date, time = (tags.text(dataset, f"Acquisition{part}", file) for part in ("Date", "Time"))
    return {
        "acquisition": _number(file, dataset, "AcquisitionNumber", "FrameAcquisitionNumber"),
        "trigger_time": _number(file, dataset, "TriggerTime", "NominalCardiacTriggerDelayTime"),
        "frame_time": _number(file, dataset, "FrameReferenceTime"),
        "acquisition_time": (date + time) or tags.text(dataset, "FrameAcquisitionDateTime", file),
        "content_time": tags.text(dataset, "ContentTime", file),
    }
