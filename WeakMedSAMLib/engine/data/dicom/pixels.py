"""Stored pixels of the slices in a file: by pydicom, those that are compressed by GDCM as in 3D Slicer."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.utils import iter_pixels, pixel_array
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, RLELossless

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.dicom.frames import Frame
from WeakMedSAMLib.engine.data.dicom.header import Header, read_whole
from WeakMedSAMLib.engine.data.dicom.tags import FAULTS, damaged
from WeakMedSAMLib.engine.data.itk_files import reason
from WeakMedSAMLib.engine.data.itk_words import listening

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_DESCRIPTION = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")
# JPEG, JPEG-LS and JPEG 2000 streams end with this mark; decoders fill what is missing and say nothing.
_END_OF_STREAM = b"\xff\xd9"
_CORRUPT = re.compile(r"(?i)corrupt|premature|truncated|bogus")
_JPEG = "1.2.840.10008.1.2.4."


def stored_pixels(frames: Sequence[Frame]) -> Iterator[np.ndarray]:
    """Pixels of slices of one file, as they are stored, in the order of `frames`.

    Yields
    ------
    numpy.ndarray
        Rows x columns of `frame.stored.dtype`, for uncompressed pixels with bits that hold no value.

    Raises
    ------
    UserError
        ``dicom_damaged``, ``dicom_cannot_decode``.
    """
    header = frames[0].header
    syntax = UID(header.syntax)
    try:
        if not has_unused_bits(header):
            yield from _decompress(frames, syntax)
        elif syntax in ("", DeflatedExplicitVRLittleEndian):
            yield from _from_dataset(frames)
        else:
            indices = [frame.index for frame in frames]
            yield from iter_pixels(header.file, raw=True, indices=indices, correct_unused_bits=False)
    except FAULTS as error:
        raise damaged(header.file, f"its pixels cannot be read ({reason(RuntimeError(str(error)))})") from error


def has_unused_bits(header: Header) -> bool:
    """Whether pixels come with all of their bits, as uncompressed ones do and those of RLE."""
    return header.pixels is None or header.pixels.length is not None or header.syntax == RLELossless


def _from_dataset(frames: Sequence[Frame]) -> Iterator[np.ndarray]:
    dataset = read_whole(frames[0].file)
    if not dataset.file_meta.get("TransferSyntaxUID"):
        dataset.file_meta.TransferSyntaxUID = _guessed_syntax(dataset)
    for frame in frames:
        yield pixel_array(dataset, raw=True, index=frame.index, correct_unused_bits=False)


def _guessed_syntax(dataset: Dataset) -> UID:
    """Transfer syntax of uncompressed pixels in a file without meta elements, as its elements were found written."""
    is_implicit, is_little = dataset.original_encoding
    return UID("1.2.840.10008.1.2" + ("" if is_implicit else ".1" if is_little else ".2"))


def _decompress(frames: Sequence[Frame], syntax: UID) -> Iterator[np.ndarray]:
    dataset = read_whole(frames[0].file)
    for frame in frames:
        stream = get_frame(dataset.PixelData, frame.index, number_of_frames=frame.header.n_frames)
        if frame.stored.high != frame.stored.used - 1:
            raise damaged(frame.file, f"its pixels are compressed, and their highest bit is {frame.stored.high}")
        if syntax.startswith(_JPEG) and _END_OF_STREAM not in stream[-16:]:
            raise damaged(frame.file, "its compressed pixels end before their end mark")
        yield _decode(frame, dataset, stream, syntax)


def _decode(frame: Frame, dataset: Dataset, stream: bytes, syntax: UID) -> np.ndarray:
    """One image from its compressed stream: by GDCM, which gives what 3D Slicer shows, else by pydicom's plugins."""
    try:
        pixels = _by_gdcm(frame, dataset, stream, syntax)
    except RuntimeError as error:
        try:
            pixels = pixel_array(dataset, raw=True, index=frame.index)
        except FAULTS as fault:
            raise UserError(
                "dicom_cannot_decode",
                f"{frame.file} is compressed by {syntax.name} ({syntax}), which cannot be decoded here: "
                f"{reason(error)}; {str(fault).splitlines()[0][:200]}.",
                "If the file is whole, export the series uncompressed, or load it in 3D Slicer and save it as NRRD.",
                {"file": str(frame.file), "syntax": str(syntax)},
            ) from fault
    if pixels.shape != frame.size[::-1]:
        raise damaged(frame.file, f"its pixels unpack to {pixels.shape}, not to {frame.size[::-1]}")
    return pixels.astype(frame.stored.dtype, copy=False)


def _by_gdcm(frame: Frame, dataset: Dataset, stream: bytes, syntax: UID) -> np.ndarray:
    """Decode by a file of its own that holds the stream and says nothing of rescale or colour."""
    alone = Dataset()
    alone.file_meta = FileMetaDataset()
    alone.file_meta.TransferSyntaxUID = syntax
    alone.SOPClassUID, alone.SOPInstanceUID = _SECONDARY_CAPTURE, "1.2.3"
    for keyword in _DESCRIPTION:
        if keyword in dataset:
            alone[keyword] = dataset[keyword]
    alone.PhotometricInterpretation = "MONOCHROME2"
    alone.PixelData = encapsulate([stream])
    alone["PixelData"].VR = "OB"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.dcm"
        alone.save_as(path, enforce_file_format=True)
        with listening(to_itk=False) as heard:
            array = sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO"))
    if corrupt := next((line for line in heard.sentences if _CORRUPT.search(line)), ""):
        raise damaged(frame.file, f"its pixels cannot be decompressed ({corrupt})")
    for line in heard.sentences:
        warnings.warn(line, stacklevel=1)
    return array[0] if array.ndim == 3 else array
