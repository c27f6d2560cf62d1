"""The method from top to bottom: volumes and slice tags in, masks out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from WeakMedSAMLib.engine.features.slices import embed_cohort
from WeakMedSAMLib.engine.methods.fast.masks import mask_volumes
from WeakMedSAMLib.engine.methods.fast.model import FastModel
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.training import train_model
from WeakMedSAMLib.engine.parts.assembly import Results
from WeakMedSAMLib.engine.parts.model_files import require_fitting
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume, learned_axis


def train_and_segment(
    cohort: Sequence[CohortVolume], settings: FastSettings, context: RunContext, start: FastModel | None = None
) -> Results:
    """Learn from the tags of a cohort, and segment it; see `Method.run`.

    Every part of a model that training starts from is the beginning of the same part.
    """
    if start is not None:
        require_fitting(start, context.classes, context.backbone)
    window = None if start is None else start.window
    volumes = embed_cohort(cohort, context.backbone, context.cache, context.report, window)
    torch.manual_seed(settings.seed)
    trained, masks, doubts = train_model(volumes, settings, context, start)
    trained = replace(trained, axis=learned_axis(cohort))
    if context.keep_model is not None:
        context.keep_model(trained)
    yield from mask_volumes(cohort, volumes, trained, settings, context, masks, doubts)


def apply_model(
    cohort: Sequence[CohortVolume], settings: FastSettings, context: RunContext, model: FastModel
) -> Results:
    """Segment a cohort by a model as it is; see `Method.apply`."""
    require_fitting(model, context.classes, context.backbone)
    volumes = embed_cohort(cohort, context.backbone, context.cache, context.report, model.window)
    torch.manual_seed(settings.seed)
    model.segmenter.to(context.device)
    yield from mask_volumes(cohort, volumes, model, settings, context)
