"""Corrections that teach: a trained model goes on a little from what readers drew, and segments the volumes anew.

It learns from pixels that are known, from masks that were handed on from drawn slices, boxes and points, and from
slices without a class; never from what it drew itself.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from WeakMedSAMLib.contract.events import Stage, Warning_
from WeakMedSAMLib.contract.labels.presence import ABSENT
from WeakMedSAMLib.contract.stages import HANDING
from WeakMedSAMLib.contract.stages import UPDATE as STAGE
from WeakMedSAMLib.engine.base.reporting import Tell, Work, as_stage
from WeakMedSAMLib.engine.features.slices import VolumeSlices, embed_cohort
from WeakMedSAMLib.engine.methods.fast.given import masks_given
from WeakMedSAMLib.engine.methods.fast.known import put_known
from WeakMedSAMLib.engine.methods.fast.masks import mask_volumes
from WeakMedSAMLib.engine.methods.fast.model import FastModel
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter, segment_on_sides, train_segmenter
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts.assembly import Results
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.model_files import require_fitting
from WeakMedSAMLib.engine.parts.pseudo_masks import UNKNOWN, PseudoMask, taught_classes
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume
from WeakMedSAMLib.engine.supervision.knowledge import classes_that_share


def update_and_segment(
    cohort: Sequence[CohortVolume], settings: FastSettings, context: RunContext, model: FastModel
) -> Results:
    """Move a model by what is known of a cohort, and segment that; see `Method.update`."""
    require_fitting(model, context.classes, context.backbone)
    volumes = embed_cohort(cohort, context.backbone, context.cache, context.report, model.window)
    torch.manual_seed(settings.seed)
    segmenter = copy.deepcopy(model.segmenter).to(context.device)
    given = _hand_on(volumes, segmenter, settings, context)
    context.report(Stage(stage=STAGE, state="started"))
    network = _move(segmenter, volumes, [*given, *_scribbled(volumes, given)], settings, context)
    context.report(Stage(stage=STAGE, state="finished"))
    taught = tuple(sorted({*model.taught, *taught_classes(given)}))
    moved = replace(model, segmenter=network, taught=taught)
    if context.keep_model is not None:
        context.keep_model(moved)
    # They were handed on by what a network sees already.
    yield from mask_volumes(cohort, volumes, moved, replace(settings, handing_anew=False), context, given)


def _hand_on(
    volumes: Sequence[VolumeSlices], network: Segmenter, settings: FastSettings, context: RunContext
) -> list[PseudoMask]:
    """Stage: masks that labels of all volumes show, handed on by what the network sees before it learns of them."""
    context.report(Stage(stage=HANDING, state="started"))
    given: list[PseudoMask] = []
    work = Work.of_stage(context.report, HANDING, len(volumes))
    for number, volume in enumerate(volumes):
        step = work.part()
        given += _given(number, volume, network, settings, context, step)
        step(1, 1)
    context.report(Stage(stage=HANDING, state="finished"))
    return given


def _given(
    number: int,
    volume: VolumeSlices,
    network: Segmenter,
    settings: FastSettings,
    context: RunContext,
    step: Tell,
) -> list[PseudoMask]:
    """Masks that labels of a volume show, handed on by what the network sees."""
    seen: dict[int, np.ndarray] = {}
    if settings.hands_on_anew:
        indices = np.flatnonzero((volume.tags != ABSENT).any(1))
        masks = segment_on_sides(network, volume, indices, context.device)
        seen = dict(zip(indices.tolist(), masks, strict=True))
    return masks_given(number, volume, context.backbone, settings, seen, step)


def _move(
    network: Segmenter,
    volumes: Sequence[VolumeSlices],
    masks: Sequence[PseudoMask],
    settings: FastSettings,
    context: RunContext,
) -> Segmenter:
    """The network after it learned from masks, in place; as it is where there is nothing to learn."""
    for mask in masks:
        put_known(mask.probability, volumes[mask.volume], mask.index)
    # Of less than half a pixel of the network nothing is left to learn.
    masks = [mask for mask in masks if (mask.probability != UNKNOWN).any()]
    if not masks:
        message = "Nothing was corrected, boxed or pointed at: the model stays as it is."
        context.report(Warning_(code="no_corrections", message=message, hint="Draw a slice of a mask, then update."))
    if not masks or not settings.update_steps:
        return network
    told, shares = as_stage(context.report, STAGE), classes_that_share(context.classes)
    return train_segmenter(network, volumes, masks, settings.update_steps, settings.seed, told, shares)


def _scribbled(volumes: Sequence[VolumeSlices], given: Sequence[PseudoMask]) -> list[PseudoMask]:
    """Slices of which some pixels are known and nothing else is believed."""
    there = {(mask.volume, mask.index) for mask in given}
    return [
        PseudoMask(number, index, np.full((volume.tags.shape[1], TARGET, TARGET), UNKNOWN, np.uint8))
        for number, volume in enumerate(volumes)
        for index in volume.supervision.known
        if (number, index) not in there
    ]
