"""Masks of classes out of a label map or a segmentation of 3D Slicer (.seg.nrrd), by label value or by segment.

A segmentation may be cropped to its extent, and hold several layers where segments overlap: then a label value says
nothing without its layer. Source: 3D Slicer developer guide, "Segmentations", section on the .seg.nrrd format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data import header_checks, itk_files
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.itk_files import VolumeFile
from WeakMedSAMLib.engine.data.labels import place_labels, same_grid
from WeakMedSAMLib.engine.data.notes import Note
from WeakMedSAMLib.engine.data.nrrd_header import NrrdHeader
from WeakMedSAMLib.engine.data.volumes import as_labels, read_label_map
from WeakMedSAMLib.engine.data.voxel_checks import memory_guard

_FIELD = re.compile(r"Segment(\d+)_(ID|Name|LabelValue|Layer)$")
_REFERENCE = re.compile(r"(?:^|&)Reference image geometry\|([^|&]*)")
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])
_NRRD = (".seg.nrrd", ".nrrd", ".nhdr")


class Asked(Protocol):
    """A class, and what of a file belongs to it."""

    @property
    def name(self) -> str:
        """Of the class."""
        ...

    @property
    def values(self) -> tuple[int, ...]:
        """Label values."""
        ...

    @property
    def segments(self) -> tuple[str, ...]:
        """Names or IDs of segments."""
        ...


@dataclass(frozen=True)
class Segment:
    """A segment: the voxels of one layer that have its label value."""

    id: str
    name: str
    value: int
    layer: int


@dataclass(frozen=True)
class MaskFile:
    """Masks in a file, in the order in which 3D Slicer shows the scan: never left-handed.

    Attributes
    ----------
    path : Path
    layers : numpy.ndarray
        uint8 or uint16, layers x k x j x i.
    geometry : Geometry
        Where they lie.
    segments : tuple of Segment
        Empty for a label map.
    is_segmentation : bool
        Whether there is nothing outside of its extent, which may be cropped.
    reference : Geometry, optional
        Grid of the scan that a segmentation was drawn on, if the file says.
    is_cropped : bool
        Whether a segmentation does not begin where the scan does.
    notes : tuple of Note
        What was noticed.
    """

    path: Path
    layers: np.ndarray
    geometry: Geometry
    segments: tuple[Segment, ...] = ()
    is_segmentation: bool = False
    reference: Geometry | None = None
    is_cropped: bool = False
    notes: tuple[Note, ...] = ()

    @property
    def values(self) -> tuple[int, ...]:
        """Label values that occur, in any layer, without 0."""
        return tuple(int(value) for value in np.unique(self.layers) if value)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the segments."""
        return tuple(segment.name for segment in self.segments)

    def mask(self, asked: Asked) -> np.ndarray:
        """Mask of one class: bool, k x j x i.

        Raises
        ------
        UserError
            ``segment_missing`` for a name that is not there, ``segment_ambiguous`` for a label value or name of several
            segments, ``segment_contradicts`` where the class has the name of a segment with another label value,
            ``segmentation_empty``.
        """
        if not self.segments:
            return self._of_label_map(asked)
        by_value = {segment for value in asked.values for segment in self._with_value(asked, value)}
        wanted = by_value | {self._named(name) for name in asked.segments}
        masks = [self.layers[segment.layer] == segment.value for segment in wanted if self._require_layer(segment)]
        loose = [value for value in asked.values if value not in {segment.value for segment in self.segments}]
        return np.asarray(np.logical_or.reduce([*masks, np.isin(self.layers, loose).any(0)]))

    def on(self, geometry: Geometry, path: Path) -> MaskFile:
        """The same masks on another grid, such as that of the scan in ``path``; raises as `place_labels`."""
        layers = place_labels(self.layers, self.geometry, geometry, self.path, path, self.is_segmentation)
        smaller = not self.is_segmentation and np.prod(self.geometry.size) < np.prod(geometry.size)
        notes = (*self.notes, self._smaller(path)) if smaller else self.notes
        return replace(self, layers=layers, geometry=geometry, notes=notes)

    def on_its_scan(self) -> MaskFile:
        """The same masks on the whole grid of the scan that they were drawn on, as far as the file tells.

        Raises
        ------
        UserError
            ``scan_needed`` for a cropped segmentation that does not say which slices of the scan it holds.
        """
        if not self.is_cropped and (self.reference is None or same_grid(self.geometry, self.reference)):
            return self
        with suppress(UserError):
            if self.reference is not None:
                return self.on(self.reference, self.path)
        message = f"{self.path} does not say which slices of its scan it holds: it is cropped, or on a grid of its own."
        raise UserError("scan_needed", message, "Give the scan too, so that slices can be counted.")

    def _smaller(self, path: Path) -> Note:
        message = f"{self.path.name}: it is smaller than {path.name}; voxels outside of it count as not labelled."
        values = {"file": self.path.name, "size": self.geometry.size}
        return Note("mask_smaller", message, "If it was cropped to what was looked at, crop the scan too.", values)

    def _of_label_map(self, asked: Asked) -> np.ndarray:
        if self.is_segmentation and not self.layers.any():
            raise UserError("segmentation_empty", f"{self.path} holds no segments.", "Draw or export them first.")
        if asked.segments:
            message = f"{self.path} is a label map without names of segments; {asked.segments[0]!r} was asked for."
            there = ", ".join(map(str, self.values)) or "none"
            raise UserError("segment_missing", message, f"Give a label value, as name=1; there are: {there}.")
        return np.asarray(np.isin(self.layers, asked.values).any(0))

    def _with_value(self, asked: Asked, value: int) -> Sequence[Segment]:
        """The one segment of a label value; the one with the name of the class where there are several."""
        found = [segment for segment in self.segments if segment.value == value]
        named = [segment for segment in self.segments if segment.name.casefold() == asked.name.casefold()]
        if len(found) > 1:
            meant = [segment for segment in found if segment in named]
            if len(meant) != 1:
                raise self._ambiguous(f"the label value {value}", asked.name, meant or found)
            return meant
        if found and len(named) == 1 and named[0].value not in asked.values:
            message = f"In {self.path} label value {value} is the segment {found[0].name!r}, and "
            message += f"{named[0].name!r} has the label value {named[0].value}."
            hint = f"Write {asked.name}={named[0].name} for that segment, or give the class another name."
            raise UserError("segment_contradicts", message, hint)
        return found

    def _named(self, name: str) -> Segment:
        exact = [segment for segment in self.segments if name in (segment.id, segment.name)]
        found = exact or [segment for segment in self.segments if segment.name.casefold() == name.casefold()]
        if not found:
            message = f"{self.path} has no segment {name!r}."
            raise UserError("segment_missing", message, f"There are: {', '.join(map(repr, self.names))}.")
        if len(found) > 1:
            raise self._ambiguous(f"the name {name!r}", name, found)
        return found[0]

    def _ambiguous(self, what: str, name: str, found: Sequence[Segment]) -> UserError:
        segments = ", ".join(f"{s.name!r} (ID {s.id}, layer {s.layer}, value {s.value})" for s in found)
        message = f"In {self.path} several segments have {what}: {segments}."
        return UserError("segment_ambiguous", message, f'Say which one by its name or ID, as "{name}={found[-1].id}".')

    def _require_layer(self, segment: Segment) -> bool:
        if not 0 <= segment.layer < len(self.layers) or segment.value < 1:
            message = f"{self.path} has no voxels of the segment {segment.name!r}: it names layer {segment.layer} of "
            message += f"{len(self.layers)}, label value {segment.value}."
            raise UserError("segment_missing", message, "Open it in 3D Slicer and save it again.")
        if sum((one.layer, one.value) == (segment.layer, segment.value) for one in self.segments) > 1:
            message = f"In {self.path} several segments have label value {segment.value} in layer {segment.layer}."
            raise UserError("segment_ambiguous", message, "Open it in 3D Slicer, check the segments and save it again.")
        return True


def read_mask(path: Path | str) -> MaskFile:
    """Read a label map or a segmentation of 3D Slicer, of any extent and number of layers.

    Raises
    ------
    UserError
        As `volumes.read_labels`; ``segmentation_is_fractional``.
    """
    path = Path(path)
    if itk_files.suffix_of(path) in _NRRD and path.is_file():
        source = itk_files.open_file(path)
        if source.is_segmentation and isinstance(source.told, NrrdHeader):
            return _read_segmentation(source, source.told.pairs)
    labels, geometry, notes = read_label_map(path)
    return MaskFile(path, labels[None], geometry, notes=notes)


def _read_segmentation(source: VolumeFile, pairs: Mapping[str, str]) -> MaskFile:
    kind = "".join(pairs.get(f"Segmentation_{name}Representation", "") for name in ("Master", "Source"))
    if "fractional" in kind.lower():
        message = f"{source.path} holds how much of each voxel belongs to a segment, not masks."
        raise UserError("segmentation_is_fractional", message, "Convert it to a binary labelmap in 3D Slicer.")
    with memory_guard(source.path, source.geometry):
        array, notes = source.stored()
        layers = as_labels(source.path, np.moveaxis(array, -1, 0) if source.layers > 1 else array[None])
    geometry, reference = source.geometry, _reference(source, pairs)
    if geometry.is_left_handed:
        layers, geometry = layers[:, ::-1], geometry.turned()
    is_cropped = set(pairs.get("Segmentation_ReferenceImageExtentOffset", "0").split()) != {"0"}
    told = (*source.notes, *notes)
    return MaskFile(
        source.path, layers, geometry, tuple(_segments(pairs, source.layers)), True, reference, is_cropped, told
    )


def _segments(pairs: Mapping[str, str], layers: int) -> list[Segment]:
    """Segments in their order."""
    fields: dict[int, dict[str, str]] = {}
    for key, value in pairs.items():
        if found := _FIELD.match(key):
            fields.setdefault(int(found.group(1)), {})[found.group(2)] = value
    return [
        Segment(
            id=told.get("ID", f"Segment_{index + 1}"),
            name=told.get("Name", told.get("ID", f"Segment_{index + 1}")),
            # Old files say neither value nor layer; one that says its layer alone has lost its value.
            value=_whole(told.get("LabelValue", "" if "Layer" in told else "1")),
            layer=_layer(told, index, layers),
        )
        for index, told in sorted(fields.items())
    ]


def _whole(text: str) -> int:
    """-1 for what is no number."""
    return int(text) if re.fullmatch(r"\d{1,6}", text.strip()) else -1


def _layer(told: Mapping[str, str], index: int, layers: int) -> int:
    """Files of Slicer 4.10 and before have a layer a segment and say neither layer nor value; -1 if it is not known."""
    if "Layer" in told:
        return _whole(told["Layer"])
    if "LabelValue" in told:
        return 0 if layers == 1 else -1
    return index


def _reference(source: VolumeFile, pairs: Mapping[str, str]) -> Geometry | None:
    """Grid of the scan from Slicer's text of it: 16 numbers of the index-to-RAS matrix, 6 of the extent."""
    text = _REFERENCE.search(pairs.get("Segmentation_ConversionParameters", ""))
    try:
        numbers = [float(word) for word in text.group(1).split(";") if word.strip()] if text else []
        matrix, extent = np.reshape(numbers[:16], (4, 4)), np.array(numbers[16:], dtype=int).reshape(3, 2)
        geometry = _grid(matrix, extent)
        header_checks.check_size(source.path, geometry.size)
        header_checks.check_geometry(source.path, geometry)
    except (UserError, ValueError, OverflowError):
        return None
    return geometry.turned() if geometry.is_left_handed else geometry


def _grid(ijk_to_ras: np.ndarray, extent: np.ndarray) -> Geometry:
    columns = _RAS_TO_LPS @ ijk_to_ras[:3, :3]
    spacing = np.maximum(np.linalg.norm(columns, axis=0), np.finfo(float).tiny)
    x, y, z = (_RAS_TO_LPS @ ijk_to_ras[:3, 3] + columns @ extent[:, 0]).tolist()
    i, j, k = (extent[:, 1] - extent[:, 0] + 1).tolist()
    return Geometry((x, y, z), tuple(spacing.tolist()), tuple((columns / spacing).ravel().tolist()), (i, j, k))
