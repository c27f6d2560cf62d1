"""The method from top to bottom: volumes and slice tags in, masks out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Event
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.state import StageStore
from WeakMedSAMLib.engine.data.cohort import CohortVolume, learned_axis
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.slices import embed_cohort
from WeakMedSAMLib.engine.methods.fast.masks import mask_volumes
from WeakMedSAMLib.engine.methods.fast.model import FastModel, require_fitting
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.training import train_model
from WeakMedSAMLib.engine.parts.assembly import VolumeResult
from WeakMedSAMLib.engine.parts.pseudo_masks import PseudoMask
from WeakMedSAMLib.engine.parts.showcase import Show
from WeakMedSAMLib.engine.parts.sub_class_report import KeepSubClasses

Report = Callable[[Event], None]


def run_pipeline(
    cohort: Sequence[CohortVolume],
    classes: ClassTable,
    settings: FastSettings,
    *,
    backbone: Backbone,
    cache: FeatureCache,
    store: StageStore,
    report: Report,
    trained: FastModel | None = None,
    train: bool = True,
    keep_model: Callable[[FastModel], None] | None = None,
    show: Show | None = None,
    keep_sub_classes: KeepSubClasses | None = None,
) -> Iterator[tuple[CohortVolume, VolumeResult]]:
    """Segment a cohort.

    Parameters
    ----------
    cohort : sequence of CohortVolume
        Volumes with their tags.
    classes : ClassTable
        What the columns of the tags mean.
    settings : FastSettings
        Choices of the method.
    backbone : Backbone
        Frozen encoder and mask decoder, on its device.
    cache : FeatureCache
        Where features are kept from run to run.
    store : StageStore
        Where the outputs of stages are kept, so that a run goes on where it was cut off.
    report : callable
        Takes events; may raise to end the run.
    trained : FastModel, optional
        Applied as it is, or the starting point of training.
    train : bool
        Whether to train on the tags.
    keep_model : callable, optional
        Gets the trained model.
    show : callable, optional
        Gets one slice after every stage of training.
    keep_sub_classes : callable, optional
        Gets what was found of sub-classes, class by class.

    Yields
    ------
    CohortVolume, VolumeResult
        Volume by volume.

    Raises
    ------
    UserError
        What the stages say.
    """
    if trained is not None:
        require_fitting(trained, classes, backbone)
    volumes = embed_cohort(cohort, backbone, cache, report, trained.window if trained else None)
    torch.manual_seed(settings.seed)
    masks: list[PseudoMask] = []
    if train or trained is None:
        trained, masks = train_model(
            volumes, classes, settings, backbone, store, report, trained, show, keep_sub_classes
        )
        trained = replace(trained, axis=learned_axis(cohort))
        if keep_model is not None:
            keep_model(trained)
    yield from mask_volumes(cohort, volumes, classes, settings, trained, backbone, report, masks)
