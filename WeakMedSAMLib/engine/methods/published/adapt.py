"""Stage: sub-classes, then the classifier, on an encoder that is adapted or frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
import torch

from WeakMedSAMLib.contract.events import Metric
from WeakMedSAMLib.contract.stages import ADAPTERS, SUB_CLASSES
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.state import stage_key
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published import extractor, fitting
from WeakMedSAMLib.engine.methods.published.classifier import AdaptedClassifier, StandardFeatures
from WeakMedSAMLib.engine.methods.published.examples import Examples, measure_features
from WeakMedSAMLib.engine.methods.published.fitting import Fitting
from WeakMedSAMLib.engine.methods.published.settings import Defect, PublishedSettings
from WeakMedSAMLib.engine.methods.published.sub_classes import ExploredClasses, explore_classes, sub_class_tags
from WeakMedSAMLib.engine.methods.published.tagged import TaggedCohort, find_tagged
from WeakMedSAMLib.engine.parts.epochs import train_to_end
from WeakMedSAMLib.engine.parts.run_context import RunContext

# Settings that neither clustering nor training read: a change of them leaves what was learned as it is. A new setting
# belongs to both until it is named here.
_READ_LATER = {
    *("prompts", "prompt_placing", "grid", "mask_weighting", "pam_radius", "pam_beta", "pam_steps", "pam_z", "blur"),
    *("threshold", "network", "network_epochs", "network_batch", "network_learning_rate", "network_weight_decay"),
    *("network_width", "background_weight"),
    *("ignore_band", "tuning", "defects"),
}
_OF_LEARNING = (Defect.CARELESS_CROPS, Defect.TEST_IN_CLUSTERING)


def train_adapted(
    volumes: Sequence[VolumeSlices], settings: PublishedSettings, context: RunContext
) -> AdaptedClassifier:
    """Learn to tell slices by their tags.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        Tagged and untagged ones; at least one slice is tagged.
    settings : PublishedSettings
        With ``encoder`` "adapted", a copy of the backbone's encoder is trained on images with the parts that the
        backbone declares; with "frozen", heads alone on the cached features of its cam level.
    context : RunContext
        Its backbone stays as it is; its store keeps sub-classes, and the state of the training after every epoch: what
        was cut off goes on from there.

    Returns
    -------
    AdaptedClassifier
        In evaluation mode, on the backbone's device.

    Raises
    ------
    UserError
        ``weights_missing``, ``weights_differ`` of ResNet-18; ``gpu_out_of_memory``; ``not_finite``.
    """
    tagged = find_tagged(volumes, settings.validation_share, settings.seed)
    key = _learning_key(volumes, settings, context.backbone)
    explored = _explore(volumes, tagged, settings, context, key)
    for entry, count in zip(context.classes, explored.counts, strict=True):
        context.report(Metric(name="sub_classes", value=count, message=entry.name))
    if context.keep_sub_classes is not None:
        context.keep_sub_classes(explored.reports(context.classes.names, settings.sub_classes, volumes, tagged))
    sub_tags = sub_class_tags(tagged.tags, explored.clusters, explored.counts)
    examples = Examples(volumes, tagged, sub_tags)
    classifier = new_classifier(explored.counts, settings, context.backbone)
    if not classifier.adapted:
        measure_features(classifier, examples)
    training = Fitting(classifier, examples, context.report)
    # Sub-classes that were found anew may be others, and other in number.
    own = stage_key(fitting.VERSION, key, explored.counts, explored.clusters)
    train_to_end(training, context.store, ADAPTERS, own, context.report)
    return training.finish()


def new_classifier(counts: Sequence[int], settings: PublishedSettings, backbone: Backbone) -> AdaptedClassifier:
    """An untrained classifier on the backbone's device; `AdaptedClassifier.load_learned` makes it a trained one.

    Parameters
    ----------
    counts : sequence of int
        Sub-classes of each class.
    settings : PublishedSettings
        ``encoder``, ``head``, ``pooling``, ``seed``.
    backbone : Backbone
        Whose encoder is copied, or whose cached features go in.
    """
    torch.manual_seed(settings.seed)
    encoder = backbone.adaptable_encoder() if settings.encoder == "adapted" else _cached_features(backbone)
    return AdaptedClassifier(encoder, counts, settings, backbone.dtype).to(backbone.device)


def _cached_features(backbone: Backbone) -> StandardFeatures:
    return StandardFeatures(backbone.info.cam.channels)


def _learning_key(volumes: Sequence[VolumeSlices], settings: PublishedSettings, backbone: Backbone) -> str:
    """Hash of all that is learned from."""
    read = {field.name: getattr(settings, field.name) for field in fields(settings) if field.name not in _READ_LATER}
    kept = [defect.value for defect in settings.defects if defect in _OF_LEARNING]
    info = backbone.info
    shown = [[one.features.key, one.tags, one.patient] for one in volumes]
    resnet18 = settings.sub_classes != 1 and extractor.resnet18_for(settings.extractor) is not None
    of_backbone = (info.name, info.weights.sha256, str(backbone.dtype))
    return stage_key(extractor.VERSION, shown, read, kept, resnet18, *of_backbone)


def _explore(
    volumes: Sequence[VolumeSlices],
    tagged: TaggedCohort,
    settings: PublishedSettings,
    context: RunContext,
    key: str,
) -> ExploredClasses:
    """Sub-classes: kept from before, or found and kept."""

    def find() -> dict[str, Any]:
        return explore_classes(volumes, tagged, settings, context.backbone, context.report).to_kept()

    return context.run_stage(SUB_CLASSES, key, find, partial(_check, tags=tagged.tags))


def _check(kept: Mapping[str, Any], tags: np.ndarray) -> ExploredClasses:
    """What was kept; ValueError unless it is of the slices and classes of today."""
    found = ExploredClasses.from_kept(kept)
    if found.clusters.shape != tags.shape or len(found.counts) != tags.shape[1]:
        raise ValueError(f"sub-classes of the shape {found.clusters.shape}, not {tags.shape}")
    return found
