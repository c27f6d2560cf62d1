"""The header of one DICOM file, and whether all of its pixels are there. No pixels are read."""

from __future__ import annotations

import io
import os
import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from WeakMedSAMLib.engine.data.dicom import tags
from WeakMedSAMLib.engine.data.dicom.tags import FAULTS, damaged

KEYWORDS = (
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID",
    "FrameOfReferenceUID", "PatientID", "PatientName", "PatientBirthDate", "Modality", "SeriesNumber",
    "SeriesDescription",
    "InstanceNumber", "ImagesInAcquisition", "NumberOfSlices", "AcquisitionNumber", "AcquisitionDate",
    "AcquisitionTime", "AcquisitionDateTime", "ContentTime", "TriggerTime", "FrameReferenceTime",
    "TemporalPositionIdentifier", "EchoTime", "EchoNumbers", "InversionTime", "FlipAngle", "ComplexImageComponent",
    "DiffusionBValue", "DiffusionGradientOrientation", "SequenceName", "ConvolutionKernel", "KVP",
    "NominalPercentageOfCardiacPhase", "StackID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
    "ImagerPixelSpacing", "NominalScannedPixelSpacing", "SliceThickness", "SpacingBetweenSlices", "Rows", "Columns",
    "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit",
    "FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit", "DoubleFloatPixelPaddingValue",
    "DoubleFloatPixelPaddingRangeLimit", "RescaleSlope", "RescaleIntercept",
    "ModalityLUTSequence", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
# The b-value where it is private: creators and elements of Siemens, GE and Philips.
PRIVATE = (0x00190010, 0x0019100C, 0x0019100E, 0x00430010, 0x00431039, 0x20010010, 0x20011003)
_WANTED: list[BaseTag | int] = [Tag(wanted) for wanted in (*KEYWORDS, *PRIVATE)]
_PIXELS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
_WITH_PIXELS = ("RT Dose Storage", "Segmentation Storage", "Parametric Map Storage")
_END_BYTES = 1024
_UNDEFINED = 0xFFFFFFFF
_ITEM, _END = 0xFFFEE000, 0xFFFEE0DD
_MAX_INFLATED = 2**28
_START = 1024
_SYNTAX_IS = b"\x02\x00\x10\x00UI\x16\x00"
# Where the meta elements begin after preamble, magic and their own length.
_META_START = 144


@dataclass(frozen=True)
class PixelElement:
    """Where the pixels of a file are; `length` is None where they are compressed.

    `end` are its last bytes, which may be no pixels.
    """

    keyword: str
    length: int | None
    end: bytes = b""


@dataclass(frozen=True)
class Header:
    """The elements of one file that matter here, and where its pixels are (None: there are none).

    Elements out of order (`in_order`) are a sign of some that are there twice, of which readers take different ones.
    """

    file: Path
    dataset: Dataset
    pixels: PixelElement | None
    in_order: bool = True

    def text(self, keyword: str) -> str:
        """Value of an element as text; see `tags.text`."""
        return tags.text(self.dataset, keyword, self.file)

    @cached_property
    def n_frames(self) -> int:
        """How many images it holds."""
        return max(1, tags.whole(self.dataset, "NumberOfFrames", self.file, default=1))

    @property
    def kind(self) -> str:
        """UID of what it says to be; empty where the file does not say it."""
        return self.text("SOPClassUID")

    @property
    def kind_in_meta(self) -> str:
        """The same, as the elements at the beginning of the file say it."""
        meta: Dataset = getattr(self.dataset, "file_meta", Dataset())
        return tags.text(meta, "MediaStorageSOPClassUID", self.file)

    @property
    def has_known_kind(self) -> bool:
        """Whether it says to be an image of a kind that the standard knows, and the same twice."""
        return is_image(self.kind) and self.kind_in_meta in ("", self.kind)

    @property
    def syntax(self) -> str:
        """UID of the transfer syntax; empty where the file does not say it."""
        meta: Dataset = getattr(self.dataset, "file_meta", Dataset())
        return tags.text(meta, "TransferSyntaxUID", self.file)


def is_image(kind: str) -> bool:
    """Whether the standard knows objects of a kind, by its UID, and they have pixels."""
    name = UID(kind).name
    return "Image Storage" in name or name in _WITH_PIXELS


def read_header(file: Path) -> Header:
    """Header of a file that is DICOM by its beginning.

    Raises
    ------
    UserError
        ``dicom_damaged``.
    """
    try:
        with _Bounded(file) as stream:
            if _is_deflated(stream):
                return _inflate(file)
            watch = _Watch()
            dataset = read_partial(stream, watch, force=True, specific_tags=_WANTED)
            return Header(file, dataset, _pixel_element(file, stream, dataset), watch.in_order)
    except FAULTS as error:
        raise damaged(file, _why(error)) from error


class _Watch:
    """Stops reading before the pixels, and sees whether elements come in order, each once."""

    def __init__(self) -> None:
        self.in_order = True
        self._last = -1

    def __call__(self, tag: int, _vr: str | None, _length: int) -> bool:
        number = int(tag)
        self.in_order = self.in_order and number > self._last
        self._last = number
        return number in _PIXELS


def _why(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")


def read_whole(file: Path) -> FileDataset:
    """All elements of a file; raises what pydicom does, see `tags.FAULTS`."""
    with _Bounded(file) as stream:
        return dcmread(stream, force=True)


class _Bounded(io.BufferedReader):
    """A file that is never asked for more than it is long: a hostile header promises gigabytes."""

    def __init__(self, file: Path) -> None:
        super().__init__(io.FileIO(file))
        self._size = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1) -> bytes:
        return super().read(-1 if size is None else min(size, self._size))


def _is_deflated(stream: BinaryIO) -> bool:
    start = stream.read(_START)
    stream.seek(0)
    return _SYNTAX_IS + DeflatedExplicitVRLittleEndian.encode() in start


def _inflate(file: Path) -> Header:
    """Header of a file whose elements are deflated as a whole: it is unpacked, within limits, to find its pixels."""
    raw = file.read_bytes()
    begin = _META_START + struct.unpack_from("<L", raw, _META_START - 4)[0]
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacker.decompress(raw[begin:], _MAX_INFLATED)
    if not unpacker.eof:
        raise damaged(file, "its deflated elements have no end, or are too large")
    dataset = dcmread(io.BytesIO(raw), force=True)
    keyword = next((keyword for keyword in _PIXELS.values() if keyword in dataset), None)
    return Header(file, dataset, PixelElement(keyword, len(dataset[keyword].value)) if keyword else None)


def _pixel_element(file: Path, stream: BinaryIO, dataset: FileDataset) -> PixelElement | None:
    """The element that reading stopped before; checks that the file holds all of it."""
    is_implicit, is_little = dataset.original_encoding
    order = "<" if is_little else ">"
    start = stream.read(8)
    if len(start) < 8:
        return None
    group, element = struct.unpack_from(f"{order}HH", start)
    keyword = _PIXELS.get(group << 16 | element)
    if keyword is None:
        return None
    # An explicit VR of pixels is followed by four bytes of length.
    length = struct.unpack(f"{order}L", start[4:] if is_implicit else stream.read(4))[0]
    if length == _UNDEFINED:
        _check_items(file, stream, order)
        return PixelElement(keyword, None)
    there = os.fstat(stream.fileno()).st_size - stream.tell()
    if length > there:
        raise damaged(file, f"its pixels take {length:,} bytes and {there:,} are there")
    stream.seek(length - min(length, _END_BYTES), os.SEEK_CUR)
    return PixelElement(keyword, length, stream.read(min(length, _END_BYTES)))


def _check_items(file: Path, stream: BinaryIO, order: str) -> None:
    """Go from item to item of compressed pixels, to their end."""
    size = os.fstat(stream.fileno()).st_size
    while True:
        start = stream.read(8)
        if len(start) < 8 or stream.tell() > size:
            raise damaged(file, "it ends within its compressed pixels")
        group, element, length = struct.unpack(f"{order}HHL", start)
        if group << 16 | element == _END:
            return
        if group << 16 | element != _ITEM:
            raise damaged(file, "its compressed pixels are not the items that they must be")
        stream.seek(length, os.SEEK_CUR)
