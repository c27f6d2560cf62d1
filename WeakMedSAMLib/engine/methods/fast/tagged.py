"""The slices that the classifier learns from: all with a tag, with novelty and sub-classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from WeakMedSAMLib.contract.events import Metric
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.novelty import CellDescriptors
from WeakMedSAMLib.engine.methods.fast.sce import TaggedSlices
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts.clustering import SubClasses, explore_sub_classes
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.sub_class_report import sub_class_report

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
        By volume and class: novelty P x m x m of the present slices, None where there is nothing to compare with.
    """

    volumes: Sequence[VolumeSlices]
    cells: Sequence[CellDescriptors]
    novel: Sequence[Sequence[np.ndarray | None]]

    def patients_with(self) -> list[int]:
        """How many patients have slices that show a class, for every class."""
        columns = range(self.volumes[0].tags.shape[1])
        return [len({one.patient for one in self.volumes if len(one.present(column))}) for column in columns]


def gather_tagged(cohort: SeenCohort, settings: FastSettings, context: RunContext) -> TaggedSlices:
    """All slices with a tag; what is found of sub-classes is told, and handed to ``context.keep_sub_classes``."""
    volumes = cohort.volumes
    slices = [(v, int(i)) for v, one in enumerate(volumes) for i in np.flatnonzero((one.tags >= 0).any(1))]
    tags = np.stack([volumes[v].tags[i] for v, i in slices])
    projected = [torch.from_numpy(np.asarray(cohort.cells[v].projected[i])) for v, i in slices]
    guide = _novelty_of(slices, cohort, projected[0].shape[1:])
    patients = np.array([volumes[v].patient for v, _ in slices])
    found = [_explore(tags[:, c], guide[:, c], projected, patients, settings) for c in range(tags.shape[1])]
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
    return TaggedSlices(projected, tags, guide, sub_classes, tuple(one.count for one in found), patients)


def _novelty_of(slices: Sequence[tuple[int, int]], cohort: SeenCohort, shape: torch.Size) -> np.ndarray:
    """Novelty of N slices, by volume and index: N x C x m x m; 0 where a class is not present."""
    row_of = {one: row for row, one in enumerate(slices)}
    guide = np.zeros((len(slices), cohort.volumes[0].tags.shape[1], *shape), np.float32)
    for v, volume in enumerate(cohort.volumes):
        for column, maps in enumerate(cohort.novel[v]):
            if maps is not None:
                guide[[row_of[v, i] for i in volume.present(column)], column] = maps
    return guide


def _explore(
    tags: np.ndarray,
    guide: np.ndarray,
    projected: Sequence[torch.Tensor],
    patients: np.ndarray,
    settings: FastSettings,
) -> SubClasses:
    """Sub-classes of the present slices of one class, each described by its most novel cells."""
    rows = np.flatnonzero(tags == PRESENT)
    features = np.stack([_lesion_features(projected[int(row)], guide[row]) for row in rows])
    return explore_sub_classes(features, patients[rows], settings.sub_classes, settings.seed)


def _lesion_features(projected: torch.Tensor, guide: np.ndarray) -> np.ndarray:
    """Mean features of the most novel cells of a slice: D."""
    flat = guide.ravel()
    best = np.argsort(-flat, kind="stable")[: max(1, round(_LESION_SHARE * flat.size))]
    return projected.flatten(1)[:, torch.from_numpy(best)].float().mean(1).numpy()
