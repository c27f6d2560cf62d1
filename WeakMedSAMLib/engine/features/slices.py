"""Stage: every volume of the cohort as framed slices with features, memory-mapped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from WeakMedSAMLib.contract.events import Event, Progress, Stage
from WeakMedSAMLib.contract.stages import EMBED
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.memory import release_free_memory
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.data.geometry import (
    in_plane_spacing,
    plane_axes,
    slice_count,
    slice_spacing,
    slice_stack,
)
from WeakMedSAMLib.engine.data.volumes import Scan
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.embed import Embedder, EmbedInput, VolumeFeatures
from WeakMedSAMLib.engine.features.levels import CAM
from WeakMedSAMLib.engine.features.preprocess import (
    DARK,
    Frame,
    Intensity,
    as_learned,
    choose_intensity,
    in_common,
)
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume
from WeakMedSAMLib.engine.supervision.supervision import Supervision

_AXIAL = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
_REACHED = 0.3  # of the longest extent of the body on slices: directions in which it is shorter are not told
_BEYOND = 1.5  # of half the body: positions further out are not told apart


@dataclass(frozen=True)
class VolumeSlices:
    """One volume as the method sees it: S slices, C classes, cells of an m x m grid over the input frame.

    Attributes
    ----------
    id, patient : str
        Of the volume; volumes of one patient stay together in validation.
    supervision : Supervision
        What is known of it.
    features : VolumeFeatures
        Levels S x C' x h x w, unpacked slice by slice, and image S x size x size, memory-mapped.
    frame : Frame
        Placing of the slices in the square.
    intensity : Intensity
        Grey values to [0, 1].
    axes : numpy.ndarray
        3 x 3: mm in LPS (rows) to the next slice, row and column (columns).
    """

    id: str
    patient: str
    supervision: Supervision
    features: VolumeFeatures
    frame: Frame
    intensity: Intensity
    axes: np.ndarray = field(default_factory=lambda: np.array(_AXIAL))

    @property
    def tags(self) -> np.ndarray:
        """Which slices show which class, int8 S x C, see `Supervision.presence`."""
        return self.supervision.presence

    @property
    def slice_mm(self) -> float:
        """Distance from slice to slice."""
        return float(np.linalg.norm(self.axes[:, 0]))

    @property
    def n_slices(self) -> int:
        """Number of slices S."""
        return len(self.tags)

    @property
    def tagged(self) -> bool:
        """Whether any slice says of any class that it is there or not."""
        return self.supervision.is_said

    def present(self, class_index: int) -> np.ndarray:
        """Indices of the slices that show the class."""
        return self.supervision.present(class_index)

    def sided(self, indices: np.ndarray, column: int, m: int) -> np.ndarray | None:
        """Cells of some slices on which a class may lie by what is known of its side: n x m x m, bool; None for all."""
        prior = next((one for one in self.supervision.sides if one.column == column), None)
        limit = None if prior is None else self._limits[column]
        if prior is None or limit is None:
            return None
        return prior.beyond(limit, (self.n_slices, m, m), self._cell(m))[indices]

    def kept_to_side(self, masks: np.ndarray, indices: np.ndarray, column: int) -> np.ndarray:
        """Masks n x m x m of a class on some slices, 0 where it cannot lie by what is known of its side."""
        sided = self.sided(indices, column, masks.shape[-1])
        return masks if sided is None else np.where(sided, masks, np.float32(0))

    @cached_property
    def _limits(self) -> dict[int, float | None]:
        """Column of a class with a known side -> where the middle of the body lies on the way to it."""
        cells = self.features.levels[CAM].shape[-1]
        body = foreground(self.brightness(cells), self.frame)
        return {one.column: one.limit(body, self._cell(cells)) for one in self.supervision.sides}

    def _cell(self, m: int) -> tuple[float, float]:
        """Rows and columns of the volume that a cell of an m x m grid over the frame is high and wide."""
        height, width = self.frame.scaled
        step = self.frame.size / m
        return step * self.frame.rows / height, step * self.frame.columns / width

    @property
    def places(self) -> np.ndarray:
        """Where in the body each pixel of a slice lies: 3 x size x size, float32, to the left, the back and the head.

        From -1 where the body begins in that direction to 1 where it ends, as much as half the body beyond; 0 in the
        direction in which slices hardly reach. By the patient's directions, so that it is the same however the voxels
        of a volume are ordered.
        """
        least = _REACHED * max(high - low for low, high in self._edges)
        pairs = zip(self._along, self._edges, strict=True)
        return np.stack([_from_edge_to_edge(one, *ends, least) for one, ends in pairs]).astype(np.float32)

    @property
    def _along(self) -> np.ndarray:
        """How far each pixel of the frame lies to the left, the back and the head: 3 x size x size, mm."""
        (high, wide), at = self._cell(self.frame.size), np.arange(self.frame.size)
        return self.axes[:, 1, None, None] * (high * at)[:, None] + self.axes[:, 2, None, None] * (wide * at)[None, :]

    @cached_property
    def _edges(self) -> list[tuple[float, float]]:
        """Where the body begins and ends in these directions; kept, for it takes a look at every slice."""
        cells = self.features.levels[CAM].shape[-1]
        body = np.asarray(foreground(self.brightness(cells), self.frame).any(0))
        return [_edges(one, body) for one in self._along]

    def brightness(self, m: int) -> np.ndarray:
        """Mean grey value of every cell: S x m x m, float32 in [0, 1]."""
        step = self.features.image.shape[-1] // m
        cells = np.empty((self.n_slices, m, m), np.float32)
        for index, image in enumerate(self.features.image):
            cells[index] = image.reshape(m, step, m, step).mean((1, 3), dtype=np.float32) / 255
        return cells


def foreground(brightness: np.ndarray, frame: Frame) -> np.ndarray:
    """Cells that show the body: inside the slice and not dark. S x m x m, bool."""
    return (brightness > DARK) & frame.inside(brightness.shape[-1])


def embed_cohort(
    cohort: Sequence[CohortVolume],
    backbone: Backbone,
    cache: FeatureCache,
    report: Report,
    window: Intensity | None = None,
) -> list[VolumeSlices]:
    """Features of all volumes, from the cache where they are; volumes are read one at a time.

    `window` is the range of grey values that a model learned with, for volumes for which nothing was asked.

    Raises
    ------
    UserError
        What reading and embedding say.
    """
    report(Stage(stage=EMBED, state="started"))
    intensities = _intensities(cohort, window)
    inputs = [_embed_input(*pair, backbone.info.input_size) for pair in zip(cohort, intensities, strict=True)]
    embedder = Embedder(backbone, cache)
    embedder.claim(inputs, report)
    total, done = sum(one.n_slices for one in inputs), 0
    slices = []
    for volume, one in zip(cohort, inputs, strict=True):
        features = embedder.embed(one, partial(_overall, report, done, total))
        slices.append(_volume_slices(volume, features, one.frame, one.intensity))
        done += one.n_slices
        release_free_memory()  # what the encoder leaves, in other places for each volume, adds up otherwise
    report(Stage(stage=EMBED, state="finished"))
    return slices


def framed_cohort(cohort: Sequence[CohortVolume], size: int, window: Intensity | None = None) -> Iterator[VolumeSlices]:
    """Volumes as framed slices of `size` pixels without features, one at a time: for networks that see images alone."""
    intensities = _intensities(cohort, window)
    for volume, intensity in zip(cohort, intensities, strict=True):
        one = _embed_input(volume, intensity, size)
        features = VolumeFeatures("", {}, np.concatenate(list(one.framed(one.load_stack()))))
        yield _volume_slices(volume, features, one.frame, intensity)


def _volume_slices(volume: CohortVolume, features: VolumeFeatures, frame: Frame, intensity: Intensity) -> VolumeSlices:
    geometry = volume.scan.geometry
    axes = (geometry.axes * geometry.spacing)[:, ["ijk".index(volume.axis), *plane_axes(volume.axis)]]
    return VolumeSlices(volume.id, volume.patient, volume.supervision, features, frame, intensity, axes)


def _edges(along: np.ndarray, body: np.ndarray) -> tuple[float, float]:
    """Where on a line the body (m x m cells, bool) begins and ends, from the positions of pixels H x W on it."""
    step = len(along) // len(body)
    cells = along.reshape(len(body), step, len(body), step).mean((1, 3))
    # The outermost cells may be an arm, or noise.
    low, high = np.percentile(cells[body] if body.any() else cells, [1, 99])
    return float(low), float(high)


def _from_edge_to_edge(along: np.ndarray, low: float, high: float, least: float) -> np.ndarray:
    """Positions from -1 at one edge to 1 at the other; 0 where these are nearer to one another than `least`."""
    if high - low <= least:
        return np.zeros_like(along)
    return np.clip(2 * (along - low) / (high - low) - 1, -_BEYOND, _BEYOND)


def _overall(report: Report, before: int, total: int, event: Event) -> None:
    """Pass an event on, progress as that of the whole cohort."""
    report(Progress(event.stage, before + event.done, total) if isinstance(event, Progress) else event)


def _intensities(cohort: Sequence[CohortVolume], window: Intensity | None) -> list[Intensity]:
    return in_common(_intensity(volume, window) for volume in cohort)


def _intensity(volume: CohortVolume, window: Intensity | None) -> Intensity:
    own = choose_intensity(volume.scan.array, volume.intensity)
    return as_learned(own, window) if volume.intensity == "auto" else own


def _embed_input(volume: CohortVolume, intensity: Intensity, size: int) -> EmbedInput:
    return embed_input(volume.scan, volume.axis, volume.sha256, intensity, size)


def embed_input(scan: Scan, axis: str, content_sha256: str, intensity: Intensity, size: int) -> EmbedInput:
    """What embedding takes of a scan that is cut into slices along an axis, for frames of `size` pixels.

    Its voxels are read when they are wanted; `content_sha256` is `Scan.sha256`, as far as the scan's own voxels go.
    """
    geometry = scan.geometry
    rows, columns = slice_stack(np.broadcast_to(np.uint8(0), geometry.shape), axis).shape[1:]
    frame = Frame(rows, columns, *in_plane_spacing(geometry, axis), size)
    return EmbedInput(
        load_stack=partial(_load_stack, scan, axis),
        n_slices=slice_count(geometry, axis),
        content_sha256=content_sha256,
        axis=axis,
        frame=frame,
        intensity=intensity,
        slice_mm=slice_spacing(geometry, axis),
    )


def _load_stack(scan: Scan, axis: str) -> np.ndarray:
    return slice_stack(scan.array, axis)
