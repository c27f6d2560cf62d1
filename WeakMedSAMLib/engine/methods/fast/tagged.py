"""The slices that the classifier learns from: all with a tag, with novelty and sub-classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch

from WeakMedSAMLib.contract.events import Metric
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.novelty import BACKGROUND, CellDescriptors
from WeakMedSAMLib.engine.methods.fast.sce import TaggedSlices
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts.clustering import SubClasses, explore_sub_classes
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.sub_class_report import sub_class_report
from WeakMedSAMLib.engine.supervision.known_pixels import UNKNOWN

_ALL = slice(None)
_LESION_SHARE = 0.03  # of the cells of a slice: the most novel ones describe it for clustering


@dataclass(frozen=True)
class SeenCohort:
    """The cohort with what is known of it before any training, all in the same order.

    Attributes
    ----------
    volumes : sequence of VolumeSlices
    cells : sequence of CellDescriptors
        Of every volume.
    novel : sequence of sequences
        By volume and class: novelty P x m x m of the present slices, wherever the class may lie; None where there is
        nothing to compare with.
    known : sequence
        Of every volume S x C x m x m, uint8: cells of which it is known whether they show a class; or None.
    """

    volumes: Sequence[VolumeSlices]
    cells: Sequence[CellDescriptors]
    novel: Sequence[Sequence[np.ndarray | None]]
    known: Sequence[np.ndarray | None]

    def patients_with(self) -> list[int]:
        """How many patients have slices that show a class, for every class."""
        columns = range(self.volumes[0].tags.shape[1])
        return [len({one.patient for one in self.volumes if len(one.present(column))}) for column in columns]

    def novelty(self, number: int, column: int, rows: slice = _ALL) -> np.ndarray | None:
        """Novelty of present slices of a volume, the least there is where the class cannot lie by its known side.

        Parameters
        ----------
        number, column : int
            Volume and class.
        rows : slice
            Which of the present slices.
        """
        volume, novel = self.volumes[number], self.novel[number][column]
        if novel is None:
            return None
        found = np.asarray(novel[rows], np.float32)
        sided = volume.sided(volume.present(column)[rows], column, found.shape[-1])
        return found if sided is None else np.where(sided, found, np.float32(BACKGROUND))


def gather_tagged(cohort: SeenCohort, settings: FastSettings, context: RunContext) -> TaggedSlices:
    """All slices with a tag; what is found of sub-classes is told, and handed to ``context.keep_sub_classes``."""
    volumes = cohort.volumes
    slices = [(v, int(i)) for v, one in enumerate(volumes) for i in np.flatnonzero((one.tags >= 0).any(1))]
    tags = np.stack([volumes[v].tags[i] for v, i in slices])
    projected, guide = _ProjectedSlices(slices, cohort.cells), _NoveltyOfSlices(slices, cohort)
    patients = np.array([volumes[v].patient for v, _ in slices])
    found = [_explore(tags[:, c], c, guide, projected, patients, settings) for c in range(tags.shape[1])]
    sub_classes = np.full(tags.shape, -1)
    for column, one in enumerate(found):
        sub_classes[tags[:, column] == PRESENT, column] = one.labels
    for entry, one in zip(context.classes, found, strict=True):
        context.report(Metric(name="sub_classes", value=one.count, message=entry.name))
    if context.keep_sub_classes is not None:
        shown = [[slices[int(row)] for row in np.flatnonzero(own == PRESENT)] for own in tags.T]
        reports = zip(context.classes, found, shown, strict=True)
        context.keep_sub_classes(
            [sub_class_report(entry.name, settings.sub_classes, one, volumes, own) for entry, one, own in reports]
        )
    counts = tuple(one.count for one in found)
    return TaggedSlices(projected, tags, guide, sub_classes, counts, patients, _KnownOfSlices(slices, cohort.known))


class _ProjectedSlices(Sequence[torch.Tensor]):
    """Projected features of slices, by volume and index: D x m x m each, views of what is mapped, made when asked for.

    Parameters
    ----------
    slices : sequence of (int, int)
        Volume and index of N slices.
    cells : sequence of CellDescriptors
        Of every volume.
    """

    def __init__(self, slices: Sequence[tuple[int, int]], cells: Sequence[CellDescriptors]) -> None:
        self._slices, self._cells = slices, cells

    def __len__(self) -> int:
        return len(self._slices)

    @overload
    def __getitem__(self, row: int) -> torch.Tensor: ...

    @overload
    def __getitem__(self, row: slice) -> list[torch.Tensor]: ...

    def __getitem__(self, row: int | slice) -> torch.Tensor | list[torch.Tensor]:
        if isinstance(row, slice):
            return [self[each] for each in range(*row.indices(len(self)))]
        volume, index = self._slices[row]
        return torch.from_numpy(np.asarray(self._cells[volume].projected[index]))


class _NoveltyOfSlices:
    """Novelty of slices, put together from the maps of their volumes when some of them are asked for.

    Parameters
    ----------
    slices : sequence of (int, int)
        Volume and index of N slices.
    cohort : SeenCohort
    """

    def __init__(self, slices: Sequence[tuple[int, int]], cohort: SeenCohort) -> None:
        self._slices, self._cohort = slices, cohort
        self._classes, self._cells = cohort.volumes[0].tags.shape[1], cohort.cells[0].projected.shape[2:]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Novelty of n slices: n x C x m x m, float32; 0 where a class is not present."""
        found = np.empty((len(rows), self._classes, *self._cells), np.float32)
        for maps, row in zip(found, rows, strict=True):
            for column in range(self._classes):
                maps[column] = self.of_class(int(row), column)
        return found

    def of_class(self, row: int, column: int) -> np.ndarray:
        """Novelty of one class on one slice: m x m, float32."""
        volume, index = self._slices[row]
        present = self._cohort.volumes[volume].present(column)
        position = int(np.searchsorted(present, index))
        if position == len(present) or present[position] != index:
            return np.zeros(self._cells, np.float32)
        novel = self._cohort.novelty(volume, column, slice(position, position + 1))
        return np.zeros(self._cells, np.float32) if novel is None else novel[0]


class _KnownOfSlices:
    """Known cells of slices, put together from those of their volumes when some of them are asked for.

    Parameters
    ----------
    slices : sequence of (int, int)
        Volume and index of N slices.
    known : sequence
        Of every volume S x C x m x m, or None.
    """

    def __init__(self, slices: Sequence[tuple[int, int]], known: Sequence[np.ndarray | None]) -> None:
        self._slices, self._known = slices, known

    def __getitem__(self, rows: np.ndarray) -> np.ndarray | None:
        """Known cells of n slices: n x C x m x m, uint8; None where nothing is known of any."""
        places = [self._slices[row] for row in rows.tolist()]
        some = next((one for volume, _ in places if (one := self._known[volume]) is not None), None)
        if some is None:
            return None
        nothing = np.full(some.shape[1:], UNKNOWN, np.uint8)
        parts = [nothing if (one := self._known[volume]) is None else one[index] for volume, index in places]
        return np.stack(parts)


def _explore(
    tags: np.ndarray,
    column: int,
    guide: _NoveltyOfSlices,
    projected: Sequence[torch.Tensor],
    patients: np.ndarray,
    settings: FastSettings,
) -> SubClasses:
    """Sub-classes of the present slices of one class, each described by its most novel cells."""
    rows = np.flatnonzero(tags == PRESENT)
    features = np.stack([_lesion_features(projected[row], guide.of_class(row, column)) for row in rows.tolist()])
    return explore_sub_classes(features, patients[rows], settings.sub_classes, settings.seed)


def _lesion_features(projected: torch.Tensor, guide: np.ndarray) -> np.ndarray:
    """Mean features of the most novel cells of a slice: D."""
    flat = guide.ravel()
    best = np.argsort(-flat, kind="stable")[: max(1, round(_LESION_SHARE * flat.size))]
    return projected.flatten(1)[:, torch.from_numpy(best)].float().mean(1).numpy()
