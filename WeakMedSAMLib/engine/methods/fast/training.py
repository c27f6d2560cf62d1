"""The learning part of the method: projection, novelty, classifier, pseudo-masks, segmentation network.

Every stage's output is kept under a hash of what it depends on, the version of its code included, so that a run goes on
where it was cut off, and an edit of tags or settings repeats only what depends on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from WeakMedSAMLib.contract.events import Metric
from WeakMedSAMLib.contract.stages import (
    CLASSIFIER,
    NOVELTY,
    PSEUDO_MASKS,
    SEGMENTER,
)
from WeakMedSAMLib.engine.base.state import reuse_or_make, stage_key
from WeakMedSAMLib.engine.features.preprocess import learned_window
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast import cohort_novelty as novelty_stage
from WeakMedSAMLib.engine.methods.fast import objects, pam, sce, segmenter
from WeakMedSAMLib.engine.methods.fast.cohort_masks import choose_slices, make_pseudo_masks
from WeakMedSAMLib.engine.methods.fast.cohort_novelty import cohort_novelty
from WeakMedSAMLib.engine.methods.fast.described import describe_cohort
from WeakMedSAMLib.engine.methods.fast.doubted_tags import Doubted, doubt_tags
from WeakMedSAMLib.engine.methods.fast.given import GivenMasks, give_masks, key_of_marks, known_cells
from WeakMedSAMLib.engine.methods.fast.model import FastModel
from WeakMedSAMLib.engine.methods.fast.objects import find_objects
from WeakMedSAMLib.engine.methods.fast.projection import Projection
from WeakMedSAMLib.engine.methods.fast.scan_bags import tag_bags
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier, TaggedSlices, train_classifier
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter
from WeakMedSAMLib.engine.methods.fast.self_training import SelfTraining
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.showcase import evidence_maps, novelty_maps
from WeakMedSAMLib.engine.methods.fast.stage_outputs import (
    as_tensors,
    settings_until,
)
from WeakMedSAMLib.engine.methods.fast.tagged import SeenCohort, gather_tagged
from WeakMedSAMLib.engine.methods.fast.watched import watch_evidence, watch_given, watch_pseudo_masks
from WeakMedSAMLib.engine.parts.pseudo_masks import PseudoMask
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.showcase import Showcase


class Learned(NamedTuple):
    """What came of training.

    Attributes
    ----------
    model : FastModel
    masks : list of PseudoMask
        What it learned from, slice by slice.
    doubts : Doubted
        Tags that are doubted, by volume.
    """

    model: FastModel
    masks: list[PseudoMask]
    doubts: Doubted


def train_model(
    volumes: Sequence[VolumeSlices], settings: FastSettings, context: RunContext, start: FastModel | None = None
) -> Learned:
    """Learn from the tags of a cohort.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        Tagged and untagged ones, with features of the context's backbone.
    settings : FastSettings
        Choices of the method.
    context : RunContext
        What the run is given.
    start : FastModel, optional
        Trained before; training goes on from it.

    Returns
    -------
    Learned
    """
    return _Trainer(volumes, settings, context, start).run()


class _Trainer:
    """The stages in order, each with the key of those before it."""

    def __init__(
        self, volumes: Sequence[VolumeSlices], settings: FastSettings, context: RunContext, start: FastModel | None
    ) -> None:
        self._volumes, self._settings, self._context, self._start = volumes, settings, context, start

    def run(self) -> Learned:
        """All stages."""
        volumes, settings = self._volumes, self._settings
        given = give_masks(volumes, self._context, settings)
        shown_by_readers = _shown_classes(given)
        projected_by, cells, key = describe_cohort(volumes, settings, self._context, self._start)
        doubts = doubt_tags(volumes, cells, settings, self._context, key)
        volumes = tag_bags(volumes, cells, settings, self._context, key)
        showcase = Showcase(self._context.show, volumes, choose_slices(volumes, settings.pam_slices, given))
        shown = showcase.number
        grid = cells[0].body.shape[-1]
        known = [self._known_cells(volume, own, grid) for volume, own in zip(volumes, given, strict=True)]
        novel = cohort_novelty(volumes, cells, settings, self._context, key, known)
        cohort = SeenCohort(volumes, cells, novel, known)
        novelty = [cohort.novelty(shown, column) for column in range(len(self._context.classes))]
        showcase.show(NOVELTY, novelty_maps(novelty, cells[shown].body.shape[-1]))
        slices = gather_tagged(cohort, settings, self._context)
        said = [entry.known.to_json() for entry in self._context.classes]
        # The hash of a volume says nothing of where its voxels lie; sides, and places in the body, go by that.
        placed = [(volume.patient, volume.axes) for volume in volumes]
        key = stage_key(novelty_stage.VERSION, key, [volume.tags for volume in volumes], placed, said)
        read = settings_until(CLASSIFIER, settings)
        key = stage_key(sce.VERSION, key, read, slices.counts, slices.sub_classes, known)
        classifier = self._train_classifier(slices, key)
        maps = evidence_maps(classifier, cells[shown], novelty, cohort.patients_with())
        showcase.show(CLASSIFIER, maps)
        watch_evidence(cohort, classifier, settings, self._context)
        given = find_objects(cohort, classifier, settings, self._context, key, given)
        watch_given(volumes, given, self._context)
        chosen = choose_slices(volumes, settings.pam_slices, given)
        key = stage_key(
            pam.VERSION, objects.VERSION, key, settings_until(PSEUDO_MASKS, settings), key_of_marks(volumes)
        )
        masks = make_pseudo_masks(cohort, chosen, classifier, settings, self._context, key, given)
        showcase.show_pseudo_mask(masks)
        watch_pseudo_masks(volumes, masks, self._context)
        key = stage_key(segmenter.VERSION, key, settings_until(SEGMENTER, settings))
        begin = None if self._start is None else self._start.segmenter
        network = SelfTraining(volumes, settings, self._context, showcase, shown_by_readers).run(masks, key, begin)
        model = self._model(projected_by, classifier, network, slices.counts, shown_by_readers)
        return Learned(model, masks, doubts)

    def _known_cells(self, volume: VolumeSlices, given: GivenMasks | None, cells: int) -> np.ndarray | None:
        """Known cells of a volume, memory-mapped: those of a large cohort do not fit in memory."""
        found = known_cells(volume, given, cells)
        if found is None:
            return None
        name, key = f"known-{volume.id}", stage_key(found)
        return reuse_or_make(
            self._context.store, name, key, lambda kept: np.asarray(kept["cells"]), lambda: {"cells": found}
        )

    def _train_classifier(self, slices: TaggedSlices, key: str) -> SliceClassifier:
        begin = self._start.classifier if self._start and self._start.counts == slices.counts else None

        def train() -> dict[str, np.ndarray]:
            model, loss = train_classifier(slices, self._settings, self._context.report, begin)
            if loss is not None:
                self._context.report(Metric(name="validation_loss", value=loss, stage=CLASSIFIER))
            return {name: tensor.numpy() for name, tensor in model.state_dict().items()}

        def load(weights: Mapping[str, Any]) -> SliceClassifier:
            model = SliceClassifier(slices.projected[0].shape[0], slices.counts)
            model.load_state_dict(as_tensors(weights))
            return model.eval()

        return self._context.run_stage(CLASSIFIER, key, train, load)

    def _model(
        self,
        by: Projection,
        classifier: SliceClassifier,
        network: Segmenter,
        counts: tuple[int, ...],
        shown: frozenset[int],
    ) -> FastModel:
        tagged, info = [volume for volume in self._volumes if volume.tagged], self._context.backbone.info
        return FastModel(
            classes=self._context.classes,
            backbone=info.name,
            weights_sha256=info.weights.sha256,
            settings=self._settings,
            counts=counts,
            patients=len({volume.patient for volume in tagged}),
            window=learned_window(volume.intensity for volume in tagged),
            projection=by,
            classifier=classifier,
            segmenter=network,
            taught=tuple(sorted({*shown, *(self._start.taught if self._start else ())})),
        )


def _shown_classes(given: Sequence[GivenMasks | None]) -> frozenset[int]:
    """Columns of the classes of which a reader said in some volume what is meant."""
    return frozenset(int(column) for one in given if one is not None for column in np.flatnonzero(one.trust.any(0)))
