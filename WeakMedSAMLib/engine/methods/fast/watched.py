"""What the stages would draw, told to whoever watches a run; nothing is computed where nobody does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.cohort_masks import evidence_of
from WeakMedSAMLib.engine.methods.fast.given import GivenMasks
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.tagged import SeenCohort
from WeakMedSAMLib.engine.parts.pseudo_masks import PseudoMask, decode_probability, find_known
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.stage_maps import EVIDENCE, OBJECTS, PSEUDO_MASK, tell_maps


def watch_evidence(
    cohort: SeenCohort, classifier: SliceClassifier, settings: FastSettings, context: RunContext
) -> None:
    """Tell of the map of every class on the slices that show it."""
    if context.watch is None:
        return
    patients, smoothing = cohort.patients_with(), settings.map_smoothing
    for number, volume in enumerate(cohort.volumes):
        for column, maps in enumerate(evidence_of(cohort, number, classifier, patients, context.classes, smoothing)):
            if maps is not None:
                tell_maps(context.watch, EVIDENCE, volume, column, volume.present(column), maps)


def watch_given(volumes: Sequence[VolumeSlices], given: Sequence[GivenMasks | None], context: RunContext) -> None:
    """Tell of the masks that were handed on, of what a reader gave or of objects that fit."""
    if context.watch is None:
        return
    for volume, masks in zip(volumes, given, strict=True):
        if masks is None:
            continue
        for column in range(len(context.classes)):
            rows = np.flatnonzero(masks.trust[:, column] > 0)
            probability = decode_probability(masks.probability[rows, column])[0].numpy()
            tell_maps(context.watch, OBJECTS, volume, column, masks.indices[rows], probability)


def watch_pseudo_masks(volumes: Sequence[VolumeSlices], masks: Sequence[PseudoMask], context: RunContext) -> None:
    """Tell of the pseudo-masks, slice by slice."""
    if context.watch is None:
        return
    for mask in masks:
        for column, _known in find_known(mask):
            probability = decode_probability(mask.probability[column])[0].numpy()[None]
            tell_maps(context.watch, PSEUDO_MASK, volumes[mask.volume], column, np.array([mask.index]), probability)


def watch_masks(
    stage: str,
    volume: VolumeSlices,
    indices: np.ndarray,
    searched: Sequence[np.ndarray],
    masks: np.ndarray,
    context: RunContext,
) -> None:
    """Tell of masks n x C x h x w of a volume at the end: of each class the rows on which it was searched for."""
    if context.watch is None:
        return
    for column, rows in enumerate(searched):
        tell_maps(context.watch, stage, volume, column, indices[rows], masks[rows, column])
