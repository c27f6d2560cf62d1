"""The published method from top to bottom: volumes and slice tags in, masks out.

Sub-classes and classifier, class activation maps, prompt affinity mining, pseudo-masks, segmentation network, masks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Event
from WeakMedSAMLib.contract.labels.tags import PRESENT
from WeakMedSAMLib.contract.stages import ADAPTERS, NETWORK
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.state import StageStore
from WeakMedSAMLib.engine.data.cohort import CohortVolume, learned_axis
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.preprocess import learned_window
from WeakMedSAMLib.engine.features.slices import VolumeSlices, embed_cohort, framed_cohort
from WeakMedSAMLib.engine.methods.fast.model import require_classes, require_fitting
from WeakMedSAMLib.engine.methods.published.adapt import train_adapted
from WeakMedSAMLib.engine.methods.published.classifier import AdaptedClassifier
from WeakMedSAMLib.engine.methods.published.model import PublishedModel
from WeakMedSAMLib.engine.methods.published.pseudo_masks import Mined, mine_cohort
from WeakMedSAMLib.engine.methods.published.results import segment_volume
from WeakMedSAMLib.engine.methods.published.settings import PublishedSettings
from WeakMedSAMLib.engine.methods.published.teaching import teach_network
from WeakMedSAMLib.engine.methods.published.tuning import tune_masks
from WeakMedSAMLib.engine.methods.published.unet import draw
from WeakMedSAMLib.engine.parts.assembly import VolumeResult, tell_results
from WeakMedSAMLib.engine.parts.showcase import Show, Showcase
from WeakMedSAMLib.engine.parts.sub_class_report import KeepSubClasses

Report = Callable[[Event], None]


def run_published(
    cohort: Sequence[CohortVolume],
    classes: ClassTable,
    settings: PublishedSettings,
    *,
    backbone: Backbone,
    cache: FeatureCache,
    store: StageStore,
    report: Report,
    trained: PublishedModel | None = None,
    train: bool = True,
    keep_model: Callable[[PublishedModel], None] | None = None,
    show: Show | None = None,
    keep_sub_classes: KeepSubClasses | None = None,
) -> Iterator[tuple[CohortVolume, VolumeResult]]:
    """Segment a cohort; parameters, results and errors as those of `pipeline.run_pipeline`.

    A model that was trained before is applied as it is, on images alone; or it is the starting point of the
    segmentation network.
    """
    if trained is not None and not train:
        require_classes(trained, classes)
        volumes = framed_cohort(cohort, trained.frame_size, trained.window)
        yield from _results(cohort, volumes, classes, trained, backbone, report, [])
        return
    if trained is not None:
        require_fitting(trained, classes, backbone)
    slices = embed_cohort(cohort, backbone, cache, report, trained.window if trained else None)
    model, masks = _learned(slices, classes, settings, backbone, store, report, trained, show, keep_sub_classes)
    model = replace(model, axis=learned_axis(cohort))
    if keep_model is not None:
        keep_model(model)
    yield from _results(cohort, slices, classes, model, backbone, report, masks)


def _learned(
    volumes: Sequence[VolumeSlices],
    classes: ClassTable,
    settings: PublishedSettings,
    backbone: Backbone,
    store: StageStore,
    report: Report,
    start: PublishedModel | None,
    show: Show | None,
    keep_sub_classes: KeepSubClasses | None,
) -> tuple[PublishedModel, list[Mined]]:
    """All stages of learning, and what each shows of one slice."""
    showcase = Showcase(show, volumes, _present(volumes))
    classifier = train_adapted(volumes, classes, settings, backbone, store, report, keep_sub_classes=keep_sub_classes)
    showcase.show(ADAPTERS, lambda volume, index: _activation(classifier, volume, index))
    mined, key = mine_cohort(volumes, classifier, settings, backbone, store, report)
    if settings.tuning:
        mined, key = tune_masks(volumes, mined, classifier, settings, backbone, store, report, key)
    showcase.show_pseudo_mask([mask for one in mined for mask in one.masks])
    network = teach_network(volumes, mined, len(classes), settings, backbone.device, store, report, key, start)
    one_drawing = partial(draw, network, settings=settings, device=backbone.device)
    showcase.show(NETWORK, lambda volume, index: one_drawing(volume, np.array([index])).probability[0])
    tagged = [volume for volume in volumes if volume.tagged]
    model = PublishedModel(
        classes=classes,
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


def _results(
    cohort: Sequence[CohortVolume],
    volumes: Sequence[VolumeSlices] | Iterator[VolumeSlices],
    classes: ClassTable,
    model: PublishedModel,
    backbone: Backbone,
    report: Report,
    mined: Sequence[Mined],
) -> Iterator[tuple[CohortVolume, VolumeResult]]:
    model.network.to(backbone.device).eval()
    learned = {one.volume: one.masks for one in mined}

    def result_of(source: CohortVolume, volume: VolumeSlices, place: int) -> VolumeResult:
        return segment_volume(source, volume, classes, model, backbone.device, learned.get(place, []))

    yield from tell_results(cohort, volumes, report, result_of)
