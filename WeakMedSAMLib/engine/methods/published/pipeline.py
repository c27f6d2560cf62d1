"""The published method from top to bottom: volumes and slice tags in, masks out.

Sub-classes and classifier, class activation maps, prompt affinity mining, pseudo-masks, segmentation network, masks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from WeakMedSAMLib.contract.events import Warning_
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.stages import ADAPTERS, NETWORK
from WeakMedSAMLib.engine.features.preprocess import learned_window
from WeakMedSAMLib.engine.features.slices import VolumeSlices, embed_cohort, framed_cohort
from WeakMedSAMLib.engine.methods.published.adapt import train_adapted
from WeakMedSAMLib.engine.methods.published.classifier import AdaptedClassifier
from WeakMedSAMLib.engine.methods.published.model import PublishedModel
from WeakMedSAMLib.engine.methods.published.pseudo_masks import Mined, mine_cohort
from WeakMedSAMLib.engine.methods.published.results import segment_volume
from WeakMedSAMLib.engine.methods.published.settings import PublishedSettings
from WeakMedSAMLib.engine.methods.published.teaching import teach_network
from WeakMedSAMLib.engine.methods.published.tuning import tune_masks
from WeakMedSAMLib.engine.methods.published.unet import draw
from WeakMedSAMLib.engine.parts.assembly import Results, VolumeResult, tell_results
from WeakMedSAMLib.engine.parts.model_files import require_classes, require_fitting
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.showcase import Showcase
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume, learned_axis


def train_and_segment(
    cohort: Sequence[CohortVolume],
    settings: PublishedSettings,
    context: RunContext,
    start: PublishedModel | None = None,
) -> Results:
    """Learn from the tags of a cohort, and segment it; see `Method.run`.

    The segmentation network of a model that training starts from is the beginning of this one.
    """
    if start is not None:
        require_fitting(start, context.classes, context.backbone)
    tell_of_marks(cohort, context)
    window = None if start is None else start.window
    volumes = embed_cohort(cohort, context.backbone, context.cache, context.report, window)
    model, mined = _learn(volumes, settings, context, start)
    model = replace(model, axis=learned_axis(cohort))
    if context.keep_model is not None:
        context.keep_model(model)
    yield from _segment(cohort, volumes, context, model, mined)


def apply_model(
    cohort: Sequence[CohortVolume], settings: PublishedSettings, context: RunContext, model: PublishedModel
) -> Results:
    """Segment a cohort by a model as it is, on images alone; see `Method.apply`."""
    require_classes(model, context.classes)
    volumes = framed_cohort(cohort, model.frame_size, model.window)
    yield from _segment(cohort, volumes, context, replace(model, settings=settings), [])


def tell_of_marks(cohort: Sequence[CohortVolume], context: RunContext) -> None:
    """Say which labels the method does not learn from: it was published for slice tags."""
    marked = sum(bool(one.supervision.boxes or one.supervision.points) for one in cohort)
    known = [entry.name for entry in context.classes if entry.known.is_said]
    if marked or known:
        message = (
            "This preset learns from slice tags alone: boxes and points say on which slices a class is, and of which "
            "pixels that is known; what is known of classes is passed over."
        )
        values = {"count": marked, "classes": known}
        context.report(Warning_(code="learns_from_tags", message=message, hint="Use the preset fast.", values=values))


def _learn(
    volumes: Sequence[VolumeSlices], settings: PublishedSettings, context: RunContext, start: PublishedModel | None
) -> tuple[PublishedModel, list[Mined]]:
    """All stages of learning, and what each shows of one slice."""
    backbone, showcase = context.backbone, Showcase(context.show, volumes, _present(volumes))
    classifier = train_adapted(volumes, settings, context)
    showcase.show(ADAPTERS, partial(_activation, classifier))
    mined, key = mine_cohort(volumes, classifier, settings, context)
    if settings.tuning:
        mined, key = tune_masks(volumes, mined, classifier, settings, context, key)
    showcase.show_pseudo_mask([mask for one in mined for mask in one.masks])
    network = teach_network(volumes, mined, settings, context, key, start)
    one_drawing = partial(draw, network, settings=settings, device=backbone.device)
    showcase.show(NETWORK, lambda volume, index: one_drawing(volume, np.array([index])).probability[0])
    tagged = [volume for volume in volumes if volume.tagged]
    model = PublishedModel(
        classes=context.classes,
        backbone=backbone.info.name,
        weights_sha256=backbone.info.weights.sha256,
        settings=settings,
        patients=len({volume.patient for volume in tagged}),
        frame_size=backbone.info.input_size,
        window=learned_window(volume.intensity for volume in tagged),
        network=network,
    )
    return model, mined


def _present(volumes: Sequence[VolumeSlices]) -> dict[int, np.ndarray]:
    """Volume -> its slices that are tagged with a class."""
    shown = {v: np.flatnonzero((one.tags == PRESENT).any(1)) for v, one in enumerate(volumes)}
    return {v: indices for v, indices in shown.items() if len(indices)}


@torch.no_grad()
def _activation(classifier: AdaptedClassifier, volume: VolumeSlices, index: int) -> np.ndarray:
    """Class activation map of one slice: positive cell logits C x m x m over their peak."""
    inputs = classifier.inputs(volume, np.array([index])).to(classifier.device)
    positive = classifier(inputs)[0][0].clamp_min(0).cpu().numpy()
    return positive / np.maximum(positive.max((1, 2), keepdims=True), 1e-6)


def _segment(
    cohort: Sequence[CohortVolume],
    volumes: Sequence[VolumeSlices] | Iterator[VolumeSlices],
    context: RunContext,
    model: PublishedModel,
    mined: Sequence[Mined],
) -> Results:
    model.network.to(context.device).eval()
    learned = {one.volume: one.masks for one in mined}

    def result_of(source: CohortVolume, volume: VolumeSlices, number: int) -> VolumeResult:
        return segment_volume(source, volume, model, context, learned.get(number, []))

    yield from tell_results(cohort, volumes, context.report, result_of)
