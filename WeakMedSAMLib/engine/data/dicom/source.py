"""A folder that holds one DICOM series, as a source of a volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from WeakMedSAMLib.engine.data import header_checks
from WeakMedSAMLib.engine.data.dicom.files import find_images
from WeakMedSAMLib.engine.data.dicom.frames import Frame, frames_of
from WeakMedSAMLib.engine.data.dicom.header import Header
from WeakMedSAMLib.engine.data.dicom.parts import chosen, mark_notes
from WeakMedSAMLib.engine.data.dicom.reading import as_in_slicer, differs_in_slicer, read, value_notes
from WeakMedSAMLib.engine.data.dicom.said import Ear, listening
from WeakMedSAMLib.engine.data.dicom.series import count_notes, only_series
from WeakMedSAMLib.engine.data.dicom.stack import geometry_of, stack_notes
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.notes import Note
from WeakMedSAMLib.engine.data.part_names import folder_and_part


@dataclass(frozen=True)
class SeriesFolder:
    """One volume of the series below a folder: see `source.Source`. Slices go along the normal: never left-handed."""

    path: Path
    folder: Path
    frames: tuple[Frame, ...]
    geometry: Geometry
    notes: tuple[Note, ...] = ()
    is_segmentation: bool = False
    is_turned: bool = False

    def voxels(self) -> tuple[np.ndarray, tuple[Note, ...]]:
        """See `source.Source`. Padding is not-a-number."""
        ear = Ear()
        with listening(ear):
            array, notes = read(self.folder, self.frames, ear)
        return array, (*notes, *ear.notes())

    def slicer_voxels(self) -> np.ndarray | None:
        """See `source.Source`."""
        if not differs_in_slicer(self.frames):
            return None
        with listening(Ear()):
            return as_in_slicer(self.frames)


def open_folder(path: Path) -> SeriesFolder:
    """Headers of the one series below a folder, or of the part of it that is named behind ``#``; no pixels are read.

    Raises
    ------
    UserError
        What the modules of this package refuse, and `header_checks` of any volume.
    """
    folder, part = folder_and_part(path)
    ear = Ear()
    with listening(ear):
        found = find_images(folder, ear)
        headers, copies = only_series(folder, found.images)
        _check_sizes(folder, headers)
        frames = chosen(folder, _all_frames(headers, ear), part)
        geometry = geometry_of(folder, frames)
        counted = () if part or any(header.n_frames > 1 for header in headers) else count_notes(folder, headers)
        notes = (*found.notes, *copies, *counted, *_frame_notes(folder, frames, geometry))
    header_checks.check_geometry(folder, geometry)
    return SeriesFolder(path, folder, tuple(frames), geometry, (*notes, *ear.notes()))


def _frame_notes(folder: Path, frames: Sequence[Frame], geometry: Geometry) -> Iterator[Note]:
    yield from mark_notes(folder, frames)
    yield from stack_notes(folder, frames, geometry)
    yield from value_notes(folder, frames)


def _all_frames(headers: Sequence[Header], ear: Ear) -> list[Frame]:
    frames = []
    for header in headers:
        ear.file = header.file
        frames += frames_of(header)
    return frames


def _check_sizes(folder: Path, headers: Sequence[Header]) -> None:
    """Refuse promises that the files cannot hold, before memory is taken for them."""
    rows, columns = ({header.text(keyword) for header in headers} for keyword in ("Rows", "Columns"))
    if not all(text.isdigit() for text in rows | columns):
        return  # refused with the name of the file later on
    largest = (max(map(int, columns)), max(map(int, rows)), sum(header.n_frames for header in headers))
    header_checks.check_size(folder, largest)
    header_checks.check_promise(folder, largest, 1, sum(header.file.stat().st_size for header in headers))
