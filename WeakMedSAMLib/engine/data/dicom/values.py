"""What the stored numbers of a slice mean: its own bits, sign, photometric interpretation, rescale and padding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.dicom import tags
from WeakMedSAMLib.engine.data.dicom.header import Header
from WeakMedSAMLib.engine.data.dicom.tags import FAULTS, damaged

_GREY = ("MONOCHROME1", "MONOCHROME2")
_INTEGERS = tuple(np.dtype(kind) for kind in ("u1", "u2", "u4", "i1", "i2", "i4"))
_KINDS_OF_FLOAT = {32: "Float", 64: "DoubleFloat"}
_FLOATS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}


@dataclass(frozen=True)
class Stored:
    """How the pixels of one image are stored.

    Attributes
    ----------
    allocated, used, high : int
        Bits of a pixel, how many of them hold its value, and the highest of these.
    """

    allocated: int
    used: int
    high: int
    is_signed: bool
    is_float: bool
    is_inverted: bool

    @property
    def dtype(self) -> np.dtype:
        """Type of the whole pixel."""
        kind = "f" if self.is_float else "i" if self.is_signed else "u"
        return np.dtype(f"{kind}{self.allocated // 8}")

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest number that can be stored."""
        low = -(1 << self.used - 1) if self.is_signed else 0
        return low, low + (1 << self.used) - 1

    def in_range(self, number: int) -> int:
        """A number that was written with the other sign, as one of these."""
        low, high = self.limits
        return number if low <= number <= high else (number - low) % (1 << self.allocated) + low

    def numbers(self, pixels: np.ndarray) -> np.ndarray:
        """The bits of the value alone, with its sign, of uncompressed pixels."""
        left, right = self.allocated - 1 - self.high, self.allocated - self.used
        if self.is_float or not (left or right):
            return pixels
        return np.right_shift(np.left_shift(pixels, left), right)

    def upright(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers that grow with brightness, as 3D Slicer shows them."""
        return np.array(sum(self.limits) - numbers.astype(np.int64)) if self.is_inverted else numbers


@dataclass(frozen=True)
class Scale:
    """The modality LUT of one image: a table, or else a straight line."""

    slope: float = 1.0
    intercept: float = 0.0
    table: Dataset | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it changes nothing."""
        return self.table is None and (self.slope, self.intercept) == (1.0, 0.0)

    @property
    def is_whole(self) -> bool:
        """Whether whole numbers stay whole."""
        return self.table is not None or (self.slope.is_integer() and self.intercept.is_integer())

    def limits(self, stored: Stored) -> tuple[int, int]:
        """Smallest and largest value that whole stored numbers can have."""
        if self.table is not None:
            return 0, (1 << int(self.table.LUTDescriptor[2])) - 1
        ends = [int(self.slope) * end + int(self.intercept) for end in stored.limits]
        return min(ends), max(ends)

    def apply(self, numbers: np.ndarray) -> np.ndarray:
        """Values of stored numbers."""
        if self.is_plain:
            return numbers
        if self.table is not None:
            dataset = Dataset()
            dataset.ModalityLUTSequence = [self.table]
            dataset.set_original_encoding(*self.table.original_encoding)
            return np.asarray(apply_modality_lut(numbers, dataset))
        if self.is_whole and numbers.dtype.kind in "iu":
            return numbers.astype(np.int64) * int(self.slope) + int(self.intercept)
        return numbers.astype(np.float64) * self.slope + self.intercept


def common_type(kinds: Iterable[tuple[Stored, Scale]]) -> np.dtype:
    """The smallest type that holds the values of all slices exactly; 32-bit float where they are no whole numbers."""
    limits = []
    for stored, scale in kinds:
        if stored.is_float or not scale.is_whole:
            return np.dtype(np.float32)
        limits.append(scale.limits(stored))
    low, high = min(low for low, _ in limits), max(high for _, high in limits)
    fitting = (kind for kind in _INTEGERS if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    return next(fitting, np.dtype(np.float32))


def stored_of(header: Header, dataset: Dataset) -> Stored:
    """How the pixels of an image are stored.

    Raises
    ------
    UserError
        ``dicom_damaged``, ``dicom_pixel_type``.
    """
    file, keyword = header.file, header.pixels.keyword if header.pixels else ""
    is_inverted = tags.text(dataset, "PhotometricInterpretation", file) == "MONOCHROME1"
    allocated = tags.whole(dataset, "BitsAllocated", file)
    if keyword in _FLOATS:
        return _stored_float(file, _FLOATS[keyword], allocated, is_inverted)
    used = tags.whole(dataset, "BitsStored", file, default=allocated)
    high = tags.whole(dataset, "HighBit", file, default=used - 1)
    sign = tags.whole(dataset, "PixelRepresentation", file)
    if allocated not in (8, 16, 32):
        message = f"{file} has {allocated} bits a pixel; only 8, 16 and 32 can be read."
        raise UserError("dicom_pixel_type", message, _convert_hint(), {"file": str(file), "bits": allocated})
    if not (1 <= used <= high + 1 <= allocated and sign in (0, 1)):
        why = f"it stores {used} bits of {allocated}, the highest of them {high}, with a sign of {sign}"
        raise damaged(file, why)
    return Stored(allocated, used, high, sign == 1, False, is_inverted)


def _stored_float(file: Path, bits: int, allocated: int, is_inverted: bool) -> Stored:
    if allocated != bits or is_inverted:
        raise damaged(file, f"its pixels are {bits}-bit floating-point numbers, and its header says otherwise")
    return Stored(bits, bits, bits - 1, True, True, False)


def _convert_hint() -> str:
    return "Load the series in 3D Slicer and save it as NRRD, or convert it by dcm2niix."


def check_grey(file: Path, dataset: Dataset) -> None:
    """Refuse colour; `UserError` ``volume_is_vector``, ``dicom_pixel_type``."""
    kind = tags.text(dataset, "PhotometricInterpretation", file)
    samples = tags.whole(dataset, "SamplesPerPixel", file, default=1)
    if samples == 1 and (kind in _GREY or not kind):
        return
    raise UserError(
        "volume_is_vector",
        f"{file} is a colour image ({kind or 'of unknown kind'}, {samples} numbers a pixel).",
        "Export the grey-scale series, without colour images such as screenshots, maps and fusions.",
        {"file": str(file), "photometric": kind, "samples": samples},
    )


def scale_of(file: Path, dataset: Dataset) -> Scale:
    """The modality LUT of an image as pydicom applies it: a table first, a line where both of its numbers are there."""
    sequence = tags.value(dataset, "ModalityLUTSequence", file)
    if sequence:
        return Scale(table=_check_table(file, sequence[0]))
    slope, intercept = (tags.number(dataset, f"Rescale{part}", file) for part in ("Slope", "Intercept"))
    return Scale() if slope is None or intercept is None else Scale(slope, intercept)


def scale_in_slicer(file: Path, dataset: Dataset) -> Scale:
    """What ITK's reader, which 3D Slicer uses, applies: no table, each number by itself, and 1 for a slope of 0."""
    slope, intercept = (tags.number(dataset, f"Rescale{part}", file) for part in ("Slope", "Intercept"))
    return Scale(slope or 1.0, intercept or 0.0)


def _check_table(file: Path, table: Dataset) -> Dataset:
    try:
        entries, _first, bits = (int(number) for number in table.LUTDescriptor)
        length = len(table.LUTData) // (2 if table["LUTData"].VR == "OW" else 1)
    except FAULTS as error:
        raise damaged(file, "its modality LUT cannot be read") from error
    if bits not in (8, 16) or length < (entries or 2**16):
        raise damaged(file, f"its modality LUT of {bits} bits has {length} of {entries or 2**16} entries")
    return table


def padding_of(file: Path, dataset: Dataset, stored: Stored) -> tuple[float, float] | None:
    """Smallest and largest stored number that stands for no measurement; None where the file names none."""
    kind = _KINDS_OF_FLOAT[stored.allocated] if stored.is_float else ""
    value, limit = (tags.value(dataset, f"{kind}PixelPadding{end}", file) for end in ("Value", "RangeLimit"))
    if value is None or value != value:  # not-a-number stands for itself
        return None
    ends = [_as_stored(file, end, stored) for end in (value, value if limit is None else limit)]
    return min(ends), max(ends)


def _as_stored(file: Path, number: object, stored: Stored) -> float:
    if not isinstance(number, (int, float)):
        raise damaged(file, f"its padding value is {str(number)[:40]!r}")
    return number if stored.is_float else stored.in_range(int(number))
