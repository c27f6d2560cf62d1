"""The learning part of the method: projection, novelty, classifier, pseudo-masks, segmentation network.

Every stage's output is kept under a hash of what it depends on, so that a run goes on where it was cut off, and an edit
of tags repeats only what depends on them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Event, Metric, Progress, Stage
from WeakMedSAMLib.contract.tags import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.cam import activation_maps, evidence
from WeakMedSAMLib.engine.clustering import SubClasses, explore_sub_classes
from WeakMedSAMLib.engine.model import TrainedModel
from WeakMedSAMLib.engine.novelty import CellDescriptors, novelty, reference_cells
from WeakMedSAMLib.engine.pam import TARGET, pseudo_masks
from WeakMedSAMLib.engine.projection import Projection, fit_projection
from WeakMedSAMLib.engine.refine import redrawn
from WeakMedSAMLib.engine.sce import SliceClassifier, TaggedSlices, train_classifier
from WeakMedSAMLib.engine.segmenter import (
    PseudoMask,
    Segmenter,
    encoded,
    segment,
    segmentation_levels,
    train_segmenter,
)
from WeakMedSAMLib.engine.settings import MethodSettings
from WeakMedSAMLib.engine.showcase import Show, evidence_picture, novelty_picture, pseudo_mask_picture, stage_picture
from WeakMedSAMLib.engine.slices import VolumeSlices, foreground
from WeakMedSAMLib.engine.state import StageStore, stage_key

Report = Callable[[Event], None]

_FURTHER_STEPS = 0.6  # of those of the first round
_EVEN_OTHERS = 2.0  # other volumes from which their absent slices count half as much as the own ones
_LESION_SHARE = 0.03  # of the cells of a slice: the most novel ones describe it for clustering


def require_fitting(model: TrainedModel, classes: ClassTable, backbone: Backbone) -> None:
    """Refuse a model of other classes or of another backbone.

    Raises
    ------
    UserError
        ``model_does_not_fit``.
    """
    if tuple(model.classes.names) != tuple(classes.names):
        known, asked = ", ".join(model.classes.names), ", ".join(classes.names)
        message = f"The model knows the classes {known}; the run has {asked}."
        raise UserError("model_does_not_fit", message, "Use the class table of the model.")
    if (model.backbone, model.weights_sha256) != (backbone.info.name, backbone.info.weights.sha256):
        message = f"The model was trained on features of {model.backbone}, other weights than this run's."
        raise UserError("model_does_not_fit", message, f"Run with the backbone {model.backbone} and its weights.")


def train_model(
    volumes: Sequence[VolumeSlices],
    classes: ClassTable,
    settings: MethodSettings,
    backbone: Backbone,
    store: StageStore,
    report: Report,
    start: TrainedModel | None = None,
    show: Show | None = None,
) -> tuple[TrainedModel, list[PseudoMask]]:
    """Learn from the tags of a cohort.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        Tagged and untagged ones.
    classes : ClassTable
        Meaning of the columns of the tags.
    settings : MethodSettings
        Choices of the method.
    backbone : Backbone
        Whose features the volumes hold.
    store : StageStore
        Keeps the outputs of stages.
    report : callable
        Takes events.
    start : TrainedModel, optional
        Trained before; training goes on from it.
    show : callable, optional
        Gets one slice after every stage that says something of it.

    Returns
    -------
    model : TrainedModel
    masks : list of PseudoMask
        What it learned from, slice by slice.
    """
    return _Trainer(volumes, classes, settings, backbone, store, report, start, show).run()


class _Trainer:
    """The stages in order, each with the key of those before it."""

    def __init__(
        self,
        volumes: Sequence[VolumeSlices],
        classes: ClassTable,
        settings: MethodSettings,
        backbone: Backbone,
        store: StageStore,
        report: Report,
        start: TrainedModel | None,
        show: Show | None = None,
    ) -> None:
        self._volumes, self._classes, self._settings = volumes, classes, settings
        self._backbone, self._store, self._report, self._start = backbone, store, report, start
        self._show = show
        self._example = self._example_slice() if show else (0, 0)
        self._tagged = [volume for volume in volumes if (volume.tags != UNTAGGED).any()]
        self._patients = len({volume.patient for volume in self._tagged})

    def run(self) -> tuple[TrainedModel, list[PseudoMask]]:
        """All stages."""
        settings = self._settings
        features = stage_key([v.features.key for v in self._volumes], _start_key(self._start))
        key = stage_key(features, settings.projection_dim, settings.seed)
        projection = Projection(**self._stage("projection", key, self._fit_projection))
        descriptors = self._describe(projection, key)
        novel = self._find_novelty(descriptors, key)
        self._picture("novelty", lambda: self._novelty_picture(novel))
        slices, learned = self._tagged_slices(descriptors, novel)
        key = stage_key(key, [v.tags for v in self._volumes], settings)
        classifier = self._classifier(slices, key)
        self._picture("classifier", lambda: self._evidence_picture(classifier, descriptors, novel))
        masks = self._pseudo_masks(classifier, descriptors, novel, key)
        place, index = self._example
        shown = next((mask for mask in masks if (mask.volume, mask.index) == (place, index)), None)
        if shown is not None:
            self._picture("pseudo-masks", lambda: pseudo_mask_picture(shown))
        segmenter = self._segmenter(masks, key)
        model = TrainedModel(
            classes=self._classes,
            backbone=self._backbone.info.name,
            weights_sha256=self._backbone.info.weights.sha256,
            settings=settings,
            counts=tuple(one.count for one in learned),
            patients=self._patients,
            projection=projection,
            classifier=classifier,
            segmenter=segmenter,
        )
        return model, masks

    def _stage(self, name: str, key: str, compute: Callable[[], Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Output of a stage as tensors: kept from before, or computed and kept."""
        kept = self._store.load(name, key)
        self._report(Stage(stage=name, state="started" if kept is None else "reused"))
        if kept is None:
            kept = self._store.save(name, key, compute())
            self._report(Stage(stage=name, state="finished"))
        return {
            part: torch.from_numpy(np.array(value)) for part, value in kept.items() if isinstance(value, np.ndarray)
        }

    def _example_slice(self) -> tuple[int, int]:
        """The middle one of those of the first volume that get pseudo-masks: volume and slice."""
        place, indices = next(iter(self._chosen_slices().items()), (0, np.zeros(1, int)))
        return place, int(indices[len(indices) // 2])

    def _picture(self, stage: str, maps: Callable[[], np.ndarray]) -> None:
        if self._show is not None:
            place, index = self._example
            self._show(stage_picture(stage, self._volumes[place], index, maps()))

    def _example_rows(self) -> list[int | None]:
        """For each class, the row of the example among the present slices of its volume; None where it is not."""
        place, index = self._example
        present = [self._volumes[place].present(column) for column in range(len(self._classes))]
        return [int(np.searchsorted(one, index)) if index in one else None for one in present]

    def _novelty_picture(self, novel: Sequence[Sequence[np.ndarray | None]]) -> np.ndarray:
        size = self._backbone.info.levels[self._backbone.info.cam_level].size
        return novelty_picture(novel[self._example[0]], self._example_rows(), size)

    def _evidence_picture(
        self,
        classifier: SliceClassifier,
        cells: Sequence[CellDescriptors],
        novel: Sequence[Sequence[np.ndarray | None]],
    ) -> np.ndarray:
        place, index = self._example
        activation = activation_maps(classifier, torch.from_numpy(np.array(cells[place].projected[index : index + 1])))
        return evidence_picture(
            activation[0], novel[place], self._example_rows(), cells[place].body[index], self._patients
        )

    def _fit_projection(self) -> dict[str, np.ndarray]:
        level = self._backbone.info.cam_level
        projection = (
            self._start.projection
            if self._start
            else fit_projection(self._volumes, level, self._settings.projection_dim, self._settings.seed)
        )
        return {name: tensor.numpy() for name, tensor in vars(projection).items()}

    def _describe(self, projection: Projection, key: str) -> list[CellDescriptors]:
        """Projected features of every volume, memory-mapped, and grey values of its cells."""
        described = []
        for volume in self._volumes:
            level = volume.features.levels[self._backbone.info.cam_level]
            name, own = f"projected-{volume.id}", stage_key(key, volume.features.key)
            kept = self._store.load(name, own)
            if kept is None:
                kept = self._store.save(name, own, {"projected": projection(level).half().numpy()})
            grey = volume.brightness(level.shape[-1])
            described.append(CellDescriptors(kept["projected"], grey, foreground(grey, volume.frame)))
            self._report(Progress("projection", len(described), len(self._volumes)))
        return described

    def _find_novelty(self, cells: Sequence[CellDescriptors], key: str) -> list[list[np.ndarray | None]]:
        """By volume and class: novelty P x m x m of the present slices, None where there is nothing to compare with."""
        self._report(Stage(stage="novelty", state="started"))
        found = []
        for place in range(len(self._volumes)):
            found.append([self._novelty_of(place, column, cells, key) for column in range(len(self._classes))])
            self._report(Progress("novelty", len(found), len(self._volumes)))
        self._report(Stage(stage="novelty", state="finished"))
        return found

    def _novelty_of(self, place: int, column: int, cells: Sequence[CellDescriptors], key: str) -> np.ndarray | None:
        """Novelty against the volume's own absent slices, and against those of the other volumes.

        The own ones look most alike; the others know anatomy that this patient shows on present slices only. They
        count the more the more of them there are.
        """
        volume, lenders = self._volumes[place], self._lenders(column)
        present, others = volume.present(column), [i for i in lenders if i != place]
        if not len(present) or not lenders:
            return None
        tags = [self._volumes[i].tags[:, column] for i in [place, *lenders]]
        own = stage_key(key, volume.features.key, *tags, lenders)
        name = f"novelty-{volume.id}-{column}"
        kept = self._store.load(name, own)
        if kept is None:
            count = self._settings.novelty_references
            found = np.zeros((len(present), *cells[place].body.shape[1:]), np.float32)
            if place in lenders:
                found += self._compare(present, column, place, [place], count, cells)
            if others:
                weight = len(others) / (len(others) + _EVEN_OTHERS) if place in lenders else 1.0
                found += weight * self._compare(present, column, place, others, 2 * count, cells)
            kept = self._store.save(name, own, {"novelty": found})
        return np.array(kept["novelty"])

    def _lenders(self, column: int) -> list[int]:
        """Volumes with absent slices."""
        return [i for i, other in enumerate(self._volumes) if (other.tags[:, column] == ABSENT).any()]

    def _compare(
        self,
        present: np.ndarray,
        column: int,
        place: int,
        lenders: Sequence[int],
        count: int,
        cells: Sequence[CellDescriptors],
    ) -> np.ndarray:
        """Novelty of the present slices of a volume against about `count` cells of the lenders' absent slices."""
        settings, each = self._settings, max(1, count // len(lenders))
        references = torch.cat(
            [
                reference_cells(
                    cells[i],
                    np.flatnonzero(self._volumes[i].tags[:, column] == ABSENT),
                    each,
                    settings.novelty_brightness,
                    settings.seed,
                )
                for i in lenders
            ]
        )
        return novelty(cells[place], present, references, settings.novelty_neighbours, settings.novelty_brightness)

    def _tagged_slices(
        self, cells: Sequence[CellDescriptors], novel: Sequence[Sequence[np.ndarray | None]]
    ) -> tuple[TaggedSlices, list[SubClasses]]:
        """All slices with a tag, with novelty and sub-classes."""
        places = [(v, i) for v, one in enumerate(self._volumes) for i in np.flatnonzero((one.tags >= 0).any(1))]
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
        for column, one in enumerate(learned):
            sub_classes[tags[:, column] == PRESENT, column] = one.labels
        counts = tuple(one.count for one in learned)
        for entry, one in zip(self._classes, learned, strict=True):
            self._report(Metric(name="sub_classes", value=one.count, message=entry.name))
        return TaggedSlices(projected, tags, guide, sub_classes, counts, patients), learned

    def _sub_classes(
        self, tags: np.ndarray, guide: np.ndarray, projected: Sequence[torch.Tensor], patients: np.ndarray
    ) -> SubClasses:
        rows = np.flatnonzero(tags == PRESENT)
        features = np.stack([_lesion_features(projected[row], guide[row]) for row in rows])
        return explore_sub_classes(features, patients[rows], self._settings.sub_classes, self._settings.seed)

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
            )
            if loss is not None:
                self._report(Metric(name="validation_loss", value=loss, stage="classifier"))
            return {name: tensor.numpy() for name, tensor in model.state_dict().items()}

        model = SliceClassifier(dim, slices.counts)
        model.load_state_dict(self._stage("classifier", key, train))
        return model.eval()

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
                self._report(Progress("pseudo-masks", done, len(chosen)))
                activation = activation_maps(classifier, torch.from_numpy(np.array(cells[place].projected)))
                found.append(self._masks_of(place, indices, activation, cells[place].body, novel[place]))
            return {"probabilities": np.concatenate(found)}

        masks = self._stage("pseudo-masks", key, make)["probabilities"].numpy()
        places = [(place, int(index)) for place, indices in chosen.items() for index in indices]
        return [PseudoMask(*place, mask) for place, mask in zip(places, masks, strict=True)]

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
            maps = evidence(activation[present, column], novel[column], body[present], self._patients)
            mine = np.searchsorted(present, indices[rows])
            levels = dict(volume.features.levels)
            found[rows, column] = pseudo_masks(maps[mine], indices[rows], levels, self._backbone, self._settings)
        return encoded(found, volume.tags[indices])

    def _segmenter(self, masks: Sequence[PseudoMask], key: str) -> Segmenter:
        info = self._backbone.info
        levels = segmentation_levels(info)
        network = self._new_segmenter({name: info.levels[name].channels for name in levels})
        steps = self._settings.segmenter_steps
        for round_ in range(1, max(1, self._settings.rounds) + 1):
            trained = self._stage(f"segmenter-{round_}", key, partial(self._learn, network, masks, steps, round_))
            network.load_state_dict(trained)
            network.to(self._backbone.device).eval()
            self._picture(f"segmenter-{round_}", partial(self._segmented_example, network))
            steps = round(_FURTHER_STEPS * self._settings.segmenter_steps)
        return network.eval()

    def _segmented_example(self, network: Segmenter) -> np.ndarray:
        place, index = self._example
        return segment(network, self._volumes[place], np.array([index]), self._backbone.device)[0]

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
                seen[:, column], _ = redrawn(seen[:, column], indices, dict(volume.features.levels), self._backbone)
            values = encoded(seen, volume.tags[indices])
            relearned += [PseudoMask(place, int(i), value) for i, value in zip(indices, values, strict=True)]
        return relearned


def _start_key(start: TrainedModel | None) -> list[np.ndarray]:
    """What a starting point changes in every stage: all of its weights."""
    if start is None:
        return []
    return [tensor.cpu().numpy() for tensor in start.segmenter.state_dict().values()]


def _lesion_features(projected: torch.Tensor, guide: np.ndarray) -> np.ndarray:
    """Mean features of the most novel cells of a slice: D."""
    flat = guide.ravel()
    best = np.argsort(-flat, kind="stable")[: max(1, round(_LESION_SHARE * flat.size))]
    return projected.flatten(1)[:, torch.from_numpy(best)].float().mean(1).numpy()
