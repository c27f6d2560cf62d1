"""Voxels of slices in order: each by its own header; where padding becomes not-a-number, and what was noticed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.dicom.frames import Frame, excess_bytes
from WeakMedSAMLib.engine.data.dicom.pixels import has_unused_bits, stored_pixels
from WeakMedSAMLib.engine.data.dicom.said import Ear
from WeakMedSAMLib.engine.data.dicom.values import common_type
from WeakMedSAMLib.engine.data.notes import Note

_OTHER_VALUES = "3D Slicer shows other numbers; tags that were made there are recognised all the same."


def read(folder: Path, frames: Sequence[Frame], ear: Ear) -> tuple[np.ndarray, tuple[Note, ...]]:
    """Voxels of slices in order, k x j x i, and what was noticed; padding is NaN.

    Raises
    ------
    UserError
        ``dicom_damaged``, ``dicom_cannot_decode``, ``dicom_bad_rescale``.
    """
    columns, rows = frames[0].size
    array = np.empty((len(frames), rows, columns), common_type((frame.stored, frame.scale) for frame in frames))
    reading = _Reading()
    for some in _by_file(frames):
        ear.file = some[0][1].file
        pixels = stored_pixels([frame for _place, frame in some])
        for (place, frame), plane in zip(some, pixels, strict=True):
            with np.errstate(over="ignore"):
                array[place] = reading.values(place, frame, plane)
    return reading.with_padding(array), tuple(reading.notes(folder, frames))


def _by_file(frames: Sequence[Frame]) -> Iterator[list[tuple[int, Frame]]]:
    """Slices with their place in the volume, file by file, in the order of the file."""
    ordered = sorted(enumerate(frames), key=lambda placed: (str(placed[1].file), placed[1].index))
    for _file, some in groupby(ordered, key=lambda placed: placed[1].file):
        yield list(some)


class _Reading:
    """Makes values of stored pixels, and keeps what is worth a note."""

    def __init__(self) -> None:
        self._padded: list[tuple[int, np.ndarray]] = []
        self._masked: list[Frame] = []
        self._flat: list[Frame] = []

    def values(self, place: int, frame: Frame, pixels: np.ndarray) -> np.ndarray:
        """Values of one slice."""
        numbers = self._numbers(frame, pixels)
        if frame.padding is not None:
            padded = (numbers >= frame.padding[0]) & (numbers <= frame.padding[1])
            if padded.any():
                self._padded.append((place, padded))
        if frame.scale.slope == 0 and frame.scale.table is None:
            self._take_flat(frame, numbers)
        return frame.scale.apply(frame.stored.upright(numbers))

    def _numbers(self, frame: Frame, pixels: np.ndarray) -> np.ndarray:
        """The numbers in pixels, without what other bits hold; that these repeat the sign, or are 0, is usual."""
        if not has_unused_bits(frame.header):
            return pixels
        numbers = frame.stored.numbers(pixels)
        if numbers is not pixels and frame.stored.high == frame.stored.used - 1:
            usual = (numbers == pixels) | (np.bitwise_and(numbers, (1 << frame.stored.used) - 1) == pixels)
            if not usual.all():
                self._masked.append(frame)
        return numbers

    def _take_flat(self, frame: Frame, numbers: np.ndarray) -> None:
        if numbers.min() != numbers.max():
            raise UserError(
                "dicom_bad_rescale",
                f"{frame.what} has a RescaleSlope of 0, by which all its pixels would be equal.",
                "Export the series again from its source.",
                {"file": str(frame.file)},
            )
        self._flat.append(frame)

    def with_padding(self, array: np.ndarray) -> np.ndarray:
        """The voxels with NaN where there is padding."""
        if not self._padded:
            return array
        array = array.astype(np.float32, copy=False)
        for place, padded in self._padded:
            array[place][padded] = np.nan
        return array

    def notes(self, folder: Path, frames: Sequence[Frame]) -> Iterator[Note]:
        """What was noticed."""
        if self._padded:
            count = sum(int(np.count_nonzero(padded)) for _place, padded in self._padded)
            low, high = next(frame.padding for frame in frames if frame.padding is not None)
            shown = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            message = f"{folder.name}: {count:,} voxels hold the padding {shown}, which is no measurement."
            hint = f"They are read as places outside of the field of view. {_OTHER_VALUES}"
            yield Note("dicom_padding", message, hint, {"file": folder.name, "count": count, "padding": [low, high]})
        if self._masked:
            message = f"{folder.name}: {_some(self._masked)} pixels with bits above those that hold the value."
            hint = "These bits were left out (they hold overlays, or the header is wrong), as in 3D Slicer."
            yield Note("dicom_unused_bits", message, hint, {"file": folder.name, "slices": len(self._masked)})
        if self._flat:
            message = f"{folder.name}: {_some(self._flat)} a RescaleSlope of 0 and equal pixels."
            yield Note("dicom_slope_zero", message, _OTHER_VALUES, {"file": folder.name, "slices": len(self._flat)})


def _some(frames: Sequence[Frame]) -> str:
    return (
        f"{frames[0].file.name} has" if len(frames) == 1 else f"{len(frames)} slices ({frames[0].file.name}, ...) have"
    )


def value_notes(folder: Path, frames: Sequence[Frame]) -> Iterator[Note]:
    """What is unusual about how the values are stored, by the headers."""
    kinds = {
        "dicom_inverted": ([frame for frame in frames if frame.stored.is_inverted],
            "pixels that are dark where they are large (MONOCHROME1); they are inverted, as 3D Slicer shows them",
            "Nothing is to be done if bright is bright in the pictures."),
        "dicom_modality_lut": ([frame for frame in frames if frame.scale.table is not None],
            "a table of values (Modality LUT), which was applied", _OTHER_VALUES),
        "dicom_half_rescale": ([frame for frame in frames if _is_half(frame)],
            "a RescaleSlope without a RescaleIntercept or the other way round; it is not applied", _OTHER_VALUES),
        "dicom_high_bit": ([frame for frame in frames if frame.stored.high != frame.stored.used - 1],
            "values in the upper bits of their pixels (HighBit), which were shifted down", _OTHER_VALUES),
        "dicom_filled_pixels": ([frame for frame in frames if excess_bytes(frame.header) > 1],
            "zeros behind its pixels, which were left out",
            "If the pictures are cut at the bottom, the header is wrong: export the series again."),
        "dicom_disordered": ([frame for frame in frames if not frame.header.in_order],
            "elements that are not in order, and perhaps some that are there twice; of these the last ones were taken",
            "3D Slicer may take others: export the series again."),
        "dicom_unknown_kind": ([frame for frame in frames if not frame.header.has_known_kind],
            "no kind of image that the standard knows (SOP Class UID)",
            "3D Slicer may show other numbers, or none: check what made these files."),
        "dicom_frame_rescale": (_rescaled_frames(frames),
            "a rescale of their own each, which was applied; 3D Slicer applies the first one to all of them",
            _OTHER_VALUES),
    }  # fmt: skip
    for code, (some, what, hint) in kinds.items():
        if some:
            values = {"file": folder.name, "slices": len(some)}
            yield Note(code, f"{folder.name}: {_some(some)} {what}.", hint, values)
    if _is_shuffled(frames):
        message = f"{folder.name}: the frames in its file are not in order; they were sorted by their positions."
        hint = "3D Slicer may show them unsorted: save the volume as NRRD for it."
        yield Note("dicom_frame_order", message, hint, {"file": folder.name})


def _is_half(frame: Frame) -> bool:
    header = frame.header
    return header.n_frames == 1 and bool(header.text("RescaleSlope")) != bool(header.text("RescaleIntercept"))


def _rescaled_frames(frames: Sequence[Frame]) -> list[Frame]:
    several = [frame for frame in frames if frame.header.n_frames > 1]
    return several if len({(frame.scale.slope, frame.scale.intercept) for frame in several}) > 1 else []


def _is_shuffled(frames: Sequence[Frame]) -> bool:
    numbers = [frame.index for frame in frames]
    return len({frame.file for frame in frames}) == 1 and numbers not in (sorted(numbers), sorted(numbers)[::-1])


def differs_in_slicer(frames: Sequence[Frame]) -> bool:
    """Whether ITK's reader, which 3D Slicer uses, may give other values than the standard."""
    return bool(_rescaled_frames(frames)) or any(
        frame.padding is not None or frame.scale != frame.scale_in_slicer or frame.stored.high != frame.stored.used - 1
        for frame in frames
    )


def as_in_slicer(frames: Sequence[Frame]) -> np.ndarray:
    """Voxels as 3D Slicer holds them: the line of the first frame of a file, no table, no padding; bits from below."""
    firsts: dict[Path, Frame] = {}
    for frame in sorted(frames, key=lambda frame: frame.index):
        firsts.setdefault(frame.file, frame)
    held = [
        replace(
            frame,
            scale=firsts[frame.file].scale_in_slicer,
            stored=replace(frame.stored, high=frame.stored.used - 1),
            padding=None,
        )
        for frame in frames
    ]
    return read(held[0].file.parent, held, Ear())[0]
