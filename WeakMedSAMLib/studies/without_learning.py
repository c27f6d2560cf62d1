"""Masks of drawn slices and tags without learning: what the reader's labels are to the effects of Slicer's editor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import SHOWN
from WeakMedSAMLib.contract.labels.presence import ABSENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.data.geometry import from_slice_stack, slice_stack
from WeakMedSAMLib.studies.cases import Case
from WeakMedSAMLib.studies.slicer_effects import GROW, INSIDE, OUTSIDE, UNSEEDED, run_effect


def masks_without_learning(
    effect: str, case: Case, labels: VolumeLabels, classes: ClassTable, work: Path
) -> dict[str, np.ndarray]:
    """Class -> mask (bool, k x j x i) that an effect of `slicer_effects` makes of the labels of a scan, not its truth.

    Each class is made for itself. What the labels say of pixels and of absent slices stays, whatever the effect makes.

    Raises
    ------
    UserError
        What `run_effect` raises.
    """
    geometry, axis = case.geometry(), case.axis
    seeds = np.stack([slice_stack(seeds_of(labels, entry.name, classes, geometry.shape), axis) for entry in classes])
    image = slice_stack(case.voxels(), axis)
    # Growing ends on slices that are seeds all over: those beyond them change nothing.
    used = _used_slices(seeds) if effect == GROW else slice(None)
    i, j, k = geometry.spacing
    spacing = {"k": (i, j, k), "j": (i, k, j), "i": (j, k, i)}[axis]
    made = run_effect(effect, seeds[:, used], image[used], spacing, work)
    masks = seeds == INSIDE
    masks[:, used] |= made & (seeds[:, used] != OUTSIDE)
    return {entry.name: from_slice_stack(mask, axis) for entry, mask in zip(classes, masks, strict=True)}


def seeds_of(labels: VolumeLabels, name: str, classes: ClassTable, shape: Sequence[int]) -> np.ndarray:
    """Seeds of a class, uint8 k x j x i: drawn slices all over, absent slices, and what is drawn of other classes."""
    seeds = np.full(shape, UNSEEDED, np.uint8)
    stack = slice_stack(seeds, labels.axis)
    for other in PAINTED.class_names(labels):
        if not classes.may_share(name, other):
            for index, painted in PAINTED.slices(labels, other).items():
                stack[index][painted.pixels == SHOWN] = OUTSIDE
    stack[labels.state(name) == ABSENT] = OUTSIDE
    for index, painted in PAINTED.slices(labels, name).items():
        stack[index] = np.where(painted.pixels == SHOWN, INSIDE, OUTSIDE)
    return seeds


def _used_slices(seeds: np.ndarray) -> slice:
    """From the slice before the first one that any class leaves open to the one after the last."""
    is_open = np.flatnonzero((seeds == UNSEEDED).any((0, 2, 3)))
    return slice(max(int(is_open[0]) - 1, 0), int(is_open[-1]) + 2) if is_open.size else slice(None)
