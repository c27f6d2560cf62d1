"""The learning part of the method: projection, novelty, classifier, pseudo-masks, segmentation network.

Every stage's output is kept under a hash of what it depends on, the version of its code included, so that a run goes on
where it was cut off, and an edit of tags or settings repeats only what depends on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Event, Metric, Progress, Stage
from WeakMedSAMLib.contract.labels.tags import PRESENT
from WeakMedSAMLib.contract.stages import CLASSIFIER, NOVELTY, PROJECTION, PSEUDO_MASKS, SEGMENTER, segmenter_round
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.memory import release_free_memory
from WeakMedSAMLib.engine.base.state import StageStore, reuse, stage_key
from WeakMedSAMLib.engine.features.preprocess import learned_window
from WeakMedSAMLib.engine.features.slices import VolumeSlices, foreground
from WeakMedSAMLib.engine.methods.fast import cohort_novelty as novelty_stage
from WeakMedSAMLib.engine.methods.fast import pam, projection, sce, segmenter
from WeakMedSAMLib.engine.methods.fast.cam import activation_maps, evidence
from WeakMedSAMLib.engine.methods.fast.cohort_novelty import cohort_novelty
from WeakMedSAMLib.engine.methods.fast.model import FastModel
from WeakMedSAMLib.engine.methods.fast.novelty import CellDescriptors
from WeakMedSAMLib.engine.methods.fast.pam import pseudo_masks
from WeakMedSAMLib.engine.methods.fast.projection import Projection, fit_projection
from WeakMedSAMLib.engine.methods.fast.refine import redraw_by_decoder
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier, TaggedSlices, train_classifier
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter, segment, segmentation_levels, train_segmenter
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.showcase import evidence_maps, novelty_maps
from WeakMedSAMLib.engine.methods.fast.stage_outputs import (
    as_tensors,
    check_cells,
    copy_with_weights,
    settings_until,
    start_key,
)
from WeakMedSAMLib.engine.parts.clustering import SubClasses, explore_sub_classes
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.pseudo_masks import PseudoMask, encode_probability
from WeakMedSAMLib.engine.parts.showcase import Show, Showcase
from WeakMedSAMLib.engine.parts.sub_class_report import KeepSubClasses, SubClassReport, sub_class_report

Report = Callable[[Event], None]
T = TypeVar("T")

FURTHER_STEPS = 0.6  # of those of the first round
_LESION_SHARE = 0.03  # of the cells of a slice: the most novel ones describe it for clustering


def train_model(
    volumes: Sequence[VolumeSlices],
    classes: ClassTable,
    settings: FastSettings,
    backbone: Backbone,
    store: StageStore,
    report: Report,
    start: FastModel | None = None,
    show: Show | None = None,
    keep_sub_classes: KeepSubClasses | None = None,
) -> tuple[FastModel, list[PseudoMask]]:
    """Learn from the tags of a cohort.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        Tagged and untagged ones.
    classes : ClassTable
        Meaning of the columns of the tags.
    settings : FastSettings
        Choices of the method.
    backbone : Backbone
        Whose features the volumes hold.
    store : StageStore
        Keeps the outputs of stages.
    report : callable
        Takes events.
    start : FastModel, optional
        Trained before; training goes on from it.
    show : callable, optional
        Gets one slice after every stage that says something of it.
    keep_sub_classes : callable, optional
        Gets what was found of sub-classes, class by class.

    Returns
    -------
    model : FastModel
    masks : list of PseudoMask
        What it learned from, slice by slice.
    """
    return _Trainer(volumes, classes, settings, backbone, store, report, start, show, keep_sub_classes).run()


class _Trainer:
    """The stages in order, each with the key of those before it."""

    def __init__(
        self,
        volumes: Sequence[VolumeSlices],
        classes: ClassTable,
        settings: FastSettings,
        backbone: Backbone,
        store: StageStore,
        report: Report,
        start: FastModel | None,
        show: Show | None = None,
        keep_sub_classes: KeepSubClasses | None = None,
    ) -> None:
        self._volumes, self._classes, self._settings = volumes, classes, settings
        self._keep_sub_classes = keep_sub_classes
        self._backbone, self._store, self._report, self._start = backbone, store, report, start
        self._showcase = Showcase(show, volumes, self._chosen_slices())
        self._tagged = [volume for volume in volumes if volume.tagged]
        self._patients = len({volume.patient for volume in self._tagged})
        self._showing = [self._patients_with(column) for column in range(len(classes))]

    def run(self) -> tuple[FastModel, list[PseudoMask]]:
        """All stages."""
        settings = self._settings
        features = stage_key([v.features.key for v in self._volumes], start_key(self._start))
        key = stage_key(projection.VERSION, features, settings.projection_dim, settings.seed)
        projected_by = self._stage(PROJECTION, key, self._fit_projection, self._fitting_projection)
        descriptors = self._describe(projected_by, key)
        novel = cohort_novelty(self._volumes, descriptors, settings, self._store, self._report, key)
        shown = self._showcase.number
        self._showcase.show(NOVELTY, novelty_maps(novel[shown], descriptors[0].body.shape[-1]))
        slices, learned = self._tagged_slices(descriptors, novel)
        key = stage_key(novelty_stage.VERSION, key, [v.tags for v in self._volumes], [v.patient for v in self._volumes])
        read = settings_until(CLASSIFIER, settings)
        key = stage_key(sce.VERSION, key, read, slices.counts, slices.sub_classes)
        classifier = self._classifier(slices, key)
        self._showcase.show(CLASSIFIER, evidence_maps(classifier, descriptors[shown], novel[shown], self._showing))
        key = stage_key(pam.VERSION, key, settings_until(PSEUDO_MASKS, settings))
        masks = self._pseudo_masks(classifier, descriptors, novel, key)
        self._showcase.show_pseudo_mask(masks)
        key = stage_key(segmenter.VERSION, key, settings_until(SEGMENTER, settings))
        network = self._segmenter(masks, key)
        model = FastModel(
            classes=self._classes,
            backbone=self._backbone.info.name,
            weights_sha256=self._backbone.info.weights.sha256,
            settings=settings,
            counts=tuple(one.count for one in learned),
            patients=self._patients,
            window=learned_window(volume.intensity for volume in self._tagged),
            projection=projected_by,
            classifier=classifier,
            segmenter=network,
        )
        return model, masks

    def _patients_with(self, column: int) -> int:
        """How many patients have slices that show a class."""
        return len({volume.patient for volume in self._volumes if len(volume.present(column))})

    def _stage(
        self,
        name: str,
        key: str,
        compute: Callable[[], Mapping[str, Any]],
        use: Callable[[dict[str, torch.Tensor]], T],
    ) -> T:
        """What `use` makes of a stage's output: of that kept from before where it fits, or computed and kept."""
        used = reuse(self._store, name, key, lambda kept: use(as_tensors(kept)))
        self._report(Stage(stage=name, state="started" if used is None else "reused"))
        if used is None:
            used = use(as_tensors(self._store.save(name, key, compute())))
            release_free_memory()
            self._report(Stage(stage=name, state="finished"))
        return used

    def _fit_projection(self) -> dict[str, np.ndarray]:
        level = self._backbone.info.cam_level
        fitted = (
            self._start.projection
            if self._start
            else fit_projection(self._volumes, level, self._settings.projection_dim, self._settings.seed)
        )
        return {name: tensor.numpy() for name, tensor in vars(fitted).items()}

    def _fitting_projection(self, kept: dict[str, torch.Tensor]) -> Projection:
        """What was kept; ValueError unless it is of the channels of today."""
        channels = self._volumes[0].features.levels[self._backbone.info.cam_level].shape[1]
        found = Projection(**kept)
        if {found.mean.shape, found.std.shape, found.centre.shape, found.components.shape[:1]} != {(channels,)}:
            raise ValueError(f"a projection of {tuple(found.components.shape)}, where there are {channels} channels")
        return found

    def _describe(self, by: Projection, key: str) -> list[CellDescriptors]:
        """Projected features of every volume, memory-mapped, and grey values of its cells."""
        described = []
        for volume in self._volumes:
            level = volume.features.levels[self._backbone.info.cam_level]
            name, own = f"projected-{volume.id}", stage_key(key, volume.features.key)
            shape = (len(level), by.components.shape[1], *level.shape[2:])
            projected = reuse(self._store, name, own, partial(check_cells, shape=shape))
            if projected is None:
                computed = np.concatenate([part.half().numpy() for part in by.parts(level)])
                projected = self._store.save(name, own, {"projected": computed})["projected"]
            grey = volume.brightness(level.shape[-1])
            described.append(CellDescriptors(projected, grey, foreground(grey, volume.frame)))
            release_free_memory()
            self._report(Progress(PROJECTION, len(described), len(self._volumes)))
        return described

    def _tagged_slices(
        self, cells: Sequence[CellDescriptors], novel: Sequence[Sequence[np.ndarray | None]]
    ) -> tuple[TaggedSlices, list[SubClasses]]:
        """All slices with a tag, with novelty and sub-classes."""
        places = [(v, int(i)) for v, one in enumerate(self._volumes) for i in np.flatnonzero((one.tags >= 0).any(1))]
        tags = np.stack([self._volumes[v].tags[i] for v, i in places])
        projected = [torch.from_numpy(np.asarray(cells[v].projected[i])) for v, i in places]
        guide = np.zeros((*tags.shape, *projected[0].shape[1:]), np.float32)
        row_of = {place: row for row, place in enumerate(places)}
        for v, one in enumerate(self._volumes):
            for column, maps in enumerate(novel[v]):
                if maps is not None:
                    guide[[row_of[v, i] for i in one.present(column)], column] = maps
        patients = np.array([self._volumes[v].patient for v, _ in places])
        learned = [self._sub_classes(tags[:, c], guide[:, c], projected, patients) for c in range(tags.shape[1])]
        sub_classes = np.full(tags.shape, -1)
        for column, found in enumerate(learned):
            sub_classes[tags[:, column] == PRESENT, column] = found.labels
        counts = tuple(found.count for found in learned)
        for entry, count in zip(self._classes, counts, strict=True):
            self._report(Metric(name="sub_classes", value=count, message=entry.name))
        if self._keep_sub_classes is not None:
            self._keep_sub_classes(self._sub_class_reports(tags, places, learned))
        return TaggedSlices(projected, tags, guide, sub_classes, counts, patients), learned

    def _sub_classes(
        self, tags: np.ndarray, guide: np.ndarray, projected: Sequence[torch.Tensor], patients: np.ndarray
    ) -> SubClasses:
        rows = np.flatnonzero(tags == PRESENT)
        features = np.stack([_lesion_features(projected[int(row)], guide[row]) for row in rows])
        return explore_sub_classes(features, patients[rows], self._settings.sub_classes, self._settings.seed)

    def _sub_class_reports(
        self, tags: np.ndarray, places: Sequence[tuple[int, int]], learned: Sequence[SubClasses]
    ) -> list[SubClassReport]:
        requested = self._settings.sub_classes
        return [
            sub_class_report(
                entry.name, requested, one, self._volumes, [places[int(row)] for row in np.flatnonzero(own == PRESENT)]
            )
            for entry, one, own in zip(self._classes, learned, tags.T, strict=True)
        ]

    def _classifier(self, slices: TaggedSlices, key: str) -> SliceClassifier:
        settings = self._settings
        dim = slices.projected[0].shape[0]

        def train() -> dict[str, np.ndarray]:
            model, loss = train_classifier(
                slices,
                settings.classifier_steps,
                settings.sub_class_weight,
                settings.guidance,
                settings.seed,
                self._report,
                self._start.classifier if self._start and self._start.counts == slices.counts else None,
                settings.pooling,
            )
            if loss is not None:
                self._report(Metric(name="validation_loss", value=loss, stage=CLASSIFIER))
            return {name: tensor.numpy() for name, tensor in model.state_dict().items()}

        def loaded(weights: dict[str, torch.Tensor]) -> SliceClassifier:
            model = SliceClassifier(dim, slices.counts)
            model.load_state_dict(weights)
            return model.eval()

        return self._stage(CLASSIFIER, key, train, loaded)

    def _pseudo_masks(
        self,
        classifier: SliceClassifier,
        cells: Sequence[CellDescriptors],
        novel: Sequence[Sequence[np.ndarray | None]],
        key: str,
    ) -> list[PseudoMask]:
        """Pseudo-masks of slices drawn evenly from the cohort."""
        chosen = self._chosen_slices()

        def make() -> dict[str, np.ndarray]:
            found = []
            for done, (place, indices) in enumerate(chosen.items()):
                self._report(Progress(PSEUDO_MASKS, done, len(chosen)))
                activation = activation_maps(classifier, cells[place].parts())
                found.append(self._masks_of(place, indices, activation, cells[place].body, novel[place]))
                release_free_memory()
            return {"probabilities": np.concatenate(found)}

        places = [(place, int(index)) for place, indices in chosen.items() for index in indices]

        def taken(kept: dict[str, torch.Tensor]) -> list[PseudoMask]:
            masks = kept["probabilities"].numpy()
            if masks.shape[1:] != (len(self._classes), TARGET, TARGET):
                raise ValueError(f"pseudo-masks of the shape {masks.shape}")
            return [PseudoMask(*place, mask) for place, mask in zip(places, masks, strict=True)]

        return self._stage(PSEUDO_MASKS, key, make, taken)

    def _chosen_slices(self) -> dict[int, np.ndarray]:
        """Volume -> slices, ascending, that get pseudo-masks: up to so many of each class."""
        chosen: set[tuple[int, int]] = set()
        for column in range(len(self._classes)):
            shown = [(v, int(i)) for v, one in enumerate(self._volumes) for i in one.present(column)]
            picks = np.linspace(0, len(shown) - 1, min(len(shown), self._settings.pam_slices)).round().astype(int)
            chosen.update(shown[pick] for pick in picks)
        return {v: np.array(sorted(i for w, i in chosen if w == v)) for v in sorted({v for v, _ in chosen})}

    def _masks_of(
        self,
        place: int,
        indices: np.ndarray,
        activation: np.ndarray,
        body: np.ndarray,
        novel: Sequence[np.ndarray | None],
    ) -> np.ndarray:
        """Pseudo-masks of the chosen slices of one volume: n x C x TARGET x TARGET, uint8 as in `PseudoMask`."""
        volume = self._volumes[place]
        found = np.zeros((len(indices), len(self._classes), TARGET, TARGET), np.float32)
        for column in range(len(self._classes)):
            present = volume.present(column)
            rows = np.flatnonzero(np.isin(indices, present))
            if not len(rows):
                continue
            maps = evidence(activation[present, column], novel[column], body[present], self._showing[column])
            mine = np.searchsorted(present, indices[rows])
            source = volume.features
            found[rows, column] = pseudo_masks(
                maps[mine], indices[rows], source.levels, self._backbone, self._settings, source.image
            )
        return encode_probability(found, volume.tags[indices])

    def _segmenter(self, masks: Sequence[PseudoMask], key: str) -> Segmenter:
        info = self._backbone.info
        levels = segmentation_levels(info)
        network = self._new_segmenter({name: info.levels[name].channels for name in levels})
        steps = self._settings.segmenter_steps
        for round_ in range(1, max(1, self._settings.rounds) + 1):
            name = segmenter_round(round_)
            learn = partial(self._learn, network, masks, steps, round_)
            network = self._stage(name, key, learn, partial(copy_with_weights, network))
            network.to(self._backbone.device).eval()
            self._showcase.show(name, partial(_segment_one, network, self._backbone.device))
            steps = round(FURTHER_STEPS * self._settings.segmenter_steps)
        return network.eval()

    def _new_segmenter(self, channels: Mapping[str, int]) -> Segmenter:
        torch.manual_seed(self._settings.seed)
        network = Segmenter(channels, len(self._classes))
        if self._start is not None:
            network.load_state_dict(self._start.segmenter.state_dict())
        return network

    def _learn(self, network: Segmenter, masks: Sequence[PseudoMask], steps: int, round_: int) -> dict[str, np.ndarray]:
        """One round: on the pseudo-masks first, then on the network's own masks as the backbone redraws them."""
        targets = masks if round_ == 1 else self._relearned(network, masks)
        device, seed = self._backbone.device, self._settings.seed + round_
        fresh = round_ == 1 and self._start is None
        train_segmenter(network, self._tagged, self._in_tagged(targets), steps, seed, device, self._report, fresh)
        return {name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()}

    def _in_tagged(self, masks: Sequence[PseudoMask]) -> list[PseudoMask]:
        place_of = {volume.id: place for place, volume in enumerate(self._tagged)}
        return [PseudoMask(place_of[self._volumes[m.volume].id], m.index, m.probability) for m in masks]

    def _relearned(self, network: Segmenter, masks: Sequence[PseudoMask]) -> list[PseudoMask]:
        """The same slices with the network's own masks, redrawn by the backbone, as targets."""
        relearned = []
        for place in sorted({mask.volume for mask in masks}):
            mine = [mask for mask in masks if mask.volume == place]
            volume, indices = self._volumes[place], np.array([mask.index for mask in mine])
            seen = segment(network, volume, indices, self._backbone.device)
            for column in range(seen.shape[1]):
                seen[:, column], _ = redraw_by_decoder(
                    seen[:, column], indices, dict(volume.features.levels), self._backbone
                )
            values = encode_probability(seen, volume.tags[indices])
            relearned += [PseudoMask(place, int(i), value) for i, value in zip(indices, values, strict=True)]
            release_free_memory()
        return relearned


def _segment_one(network: Segmenter, device: torch.device, volume: VolumeSlices, index: int) -> np.ndarray:
    """What the network draws on one slice: C x TARGET x TARGET."""
    return segment(network, volume, np.array([index]), device)[0]


def _lesion_features(projected: torch.Tensor, guide: np.ndarray) -> np.ndarray:
    """Mean features of the most novel cells of a slice: D."""
    flat = guide.ravel()
    best = np.argsort(-flat, kind="stable")[: max(1, round(_LESION_SHARE * flat.size))]
    return projected.flatten(1)[:, torch.from_numpy(best)].float().mean(1).numpy()
