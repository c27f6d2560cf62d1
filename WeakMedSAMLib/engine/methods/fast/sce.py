"""Stage: sub-class exploration, a slice classifier whose evidence can be mapped back to cells.

Section III-A of WeakMedSAM (arXiv 2503.04106): a head for the classes and one for their sub-classes train one shared
layer, so that features of a class do not mix with what co-occurs with it. Here the layer is linear and lies on the
projected features of a frozen encoder (capacity finds shortcuts), and slices are scored by multiple-instance pooling:
the mean logit of their best 1, 3 and 8 % of cells, not of all (averaging dilutes small lesions). In a present slice the
best cells are looked for where it is novel, too (`novelty`). Other ways of pooling are there to be compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import nn

from WeakMedSAMLib.contract.events import Progress
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.stages import CLASSIFIER as STAGE
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts.losses import masked_entropy, tag_entropy
from WeakMedSAMLib.engine.parts.pooling import pool_cells
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN

# Raised whenever the same input gives another output, by `tagged`, the parts `clustering`, `pooling` and `losses`, or
# here: part of the keys of this stage and of those after it.
VERSION = 1

_SHARED = 32  # outputs of the shared layer
_BATCH = 24
_LEARNING_RATE = 1e-2
_WEIGHT_DECAY = 0.05
_LENGTHS = (0.25, 0.5, 1.0)  # of the steps at most
_REPORT_EVERY = 20
_LEFT_OUT = 5  # every fifth patient validates
_MIN_PATIENTS = 5


class Guide(Protocol):
    """Novelty of N slices: an array, or what puts it together for some of them."""

    def __getitem__(self, rows: np.ndarray, /) -> np.ndarray:
        """Of n slices: n x C x m x m, float32."""


class KnownCells(Protocol):
    """Cells of N slices of which it is known whether they show a class."""

    def __getitem__(self, rows: np.ndarray, /) -> np.ndarray | None:
        """Of n slices: n x C x m x m, uint8 (1 shows it, 0 does not, 255 unknown); None where nothing is known."""


@dataclass(frozen=True)
class TaggedSlices:
    """All slices that carry a tag, of the whole cohort.

    Attributes
    ----------
    projected : sequence of Tensor
        One D x m x m for each of N slices (views of what is mapped, float16 or float32).
    tags : numpy.ndarray
        int8 N x C.
    novelty : Guide
        Of N slices; 0 where a class is not present.
    sub_classes : numpy.ndarray
        int N x C: cluster of a present slice, -1 elsewhere.
    counts : tuple of int
        Number of sub-classes of each class.
    patients : numpy.ndarray
        N, whose slice it is.
    known : KnownCells, optional
        Of N slices.
    """

    projected: Sequence[torch.Tensor]
    tags: np.ndarray
    novelty: Guide
    sub_classes: np.ndarray
    counts: tuple[int, ...]
    patients: np.ndarray = field(repr=False)
    known: KnownCells | None = None


class SliceClassifier(nn.Module):
    """Logits of classes and sub-classes for every cell: linear in the projected features.

    Parameters
    ----------
    dim : int
        Components D of the features.
    counts : sequence of int
        Sub-classes of each of C classes.
    """

    def __init__(self, dim: int, counts: Sequence[int]) -> None:
        super().__init__()
        self.shared = nn.Conv2d(dim, _SHARED, 1)
        self.primary = nn.Conv2d(_SHARED, len(counts), 1)
        self.secondary = nn.Conv2d(_SHARED, sum(counts), 1)

    def forward(self, projected: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """B x D x m x m -> cell logits of classes B x C x m x m and of sub-classes B x (sum of K) x m x m."""
        shared = self.shared(projected)
        return self.primary(shared), self.secondary(shared)


def train_classifier(
    slices: TaggedSlices, settings: FastSettings, report: Report, start: SliceClassifier | None = None
) -> tuple[SliceClassifier, float | None]:
    """Train on all tagged slices, for as long as served patients that were left out.

    Parameters
    ----------
    slices : TaggedSlices
        The cohort.
    settings : FastSettings
        ``classifier_steps`` at most, ``sub_class_weight``, ``guidance``, ``pooling``, and ``seed`` of initial weights
        and batches.
    report : callable
        Takes progress.
    start : SliceClassifier, optional
        Trained before, for the same classes and sub-classes.

    Returns
    -------
    classifier : SliceClassifier
    validation_loss : float or None
        Cross-entropy of slices of the patients left out; None with fewer than five patients, when all steps are done.
    """
    steps, loss = settings.classifier_steps, None
    left_out = _fifth_of_patients(slices.patients, settings.seed)
    if left_out is not None:
        steps, loss = _best_length(slices, left_out, settings, report)
    training = _Training(slices, np.arange(len(slices.tags)), steps, settings, start)
    training.run(lambda done: report(Progress(STAGE, done, steps)))
    return training.model.eval(), loss


def _fifth_of_patients(patients: np.ndarray, seed: int) -> np.ndarray | None:
    """Which slices belong to patients left out; None if there are too few patients."""
    names = np.unique(patients)
    if len(names) < _MIN_PATIENTS:
        return None
    left_out = np.random.default_rng(seed).permutation(names)[::_LEFT_OUT]
    return np.isin(patients, left_out)


def _best_length(
    slices: TaggedSlices, left_out: np.ndarray, settings: FastSettings, report: Report
) -> tuple[int, float]:
    """The length of training after which the loss on the patients left out is lowest, and that loss.

    Each length is a training of its own with its own schedule of learning rates, which a training cut short lacks.
    """
    most, inside = settings.classifier_steps, np.flatnonzero(~left_out)
    lengths = [max(1, round(share * most)) for share in _LENGTHS]
    losses = []
    for length in lengths:
        training = _Training(slices, inside, length, settings)
        training.run(lambda done: report(Progress(STAGE, done, most)))
        losses.append(_validation_loss(training.model, slices, np.flatnonzero(left_out), settings.pooling))
    best = int(np.argmin(losses))
    return lengths[best], losses[best]


@torch.no_grad()
def _validation_loss(model: SliceClassifier, slices: TaggedSlices, indices: np.ndarray, pooling: str) -> float:
    total, count = 0.0, 0
    for part in np.array_split(indices, max(1, len(indices) // _BATCH)):
        tags = torch.from_numpy(slices.tags[part])
        logits = pool_cells(model(_stack(slices, part))[0], kind=pooling).mean(-1, keepdim=True)
        total, count = total + float(tag_entropy(logits, tags).sum()), count + int(tags.ge(0).sum())
    return total / max(count, 1)


def _stack(slices: TaggedSlices, indices: np.ndarray) -> torch.Tensor:
    return torch.stack([slices.projected[index] for index in indices]).float()


class _Training:
    """Model, optimiser and draw of batches: half of each shows a class, in turn, and half lacks it."""

    def __init__(
        self,
        slices: TaggedSlices,
        indices: np.ndarray,
        steps: int,
        settings: FastSettings,
        start: SliceClassifier | None = None,
    ) -> None:
        self._slices, self._settings = slices, settings
        self._random = np.random.default_rng(settings.seed)
        torch.manual_seed(settings.seed)
        self.model = SliceClassifier(slices.projected[0].shape[0], slices.counts)
        if start is not None:
            self.model.load_state_dict(start.state_dict())
        self._optimizer = torch.optim.AdamW(self.model.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(self._optimizer, _LEARNING_RATE, total_steps=steps)
        self._steps = steps
        self._turns = [
            (
                np.intersect1d(indices, np.flatnonzero(column == PRESENT)),
                np.intersect1d(indices, np.flatnonzero(column == ABSENT)),
            )
            for column in slices.tags.T
        ]

    def run(self, done: Callable[[int], None]) -> None:
        """All steps; `done` is told now and then how many."""
        for step in range(self._steps):
            self._step([group for group in self._turns[step % len(self._turns)] if len(group)])
            if (step + 1) % _REPORT_EVERY == 0:
                done(step + 1)

    def _step(self, groups: Sequence[np.ndarray]) -> None:
        """One batch of these groups of slices."""
        if not groups:
            return
        batch = np.concatenate([self._random.choice(group, _BATCH // len(groups)) for group in groups])
        loss = self._loss(batch)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self._schedule.step()

    def _loss(self, batch: np.ndarray) -> torch.Tensor:
        settings, features = self._settings, _stack(self._slices, batch)
        guide = torch.from_numpy(self._slices.novelty[batch]) * settings.guidance
        primary, secondary = self.model(features)
        tags = self._slices.tags[batch]
        loss = _mean_loss(pool_cells(primary, guide, settings.pooling), torch.from_numpy(tags))
        known = None if self._slices.known is None else self._slices.known[batch]
        if known is not None:
            loss = loss + settings.known_cells_weight * _cell_loss(primary, torch.from_numpy(known))
        if max(self._slices.counts) == 1 or settings.sub_class_weight == 0:
            return loss
        repeats = torch.tensor(self._slices.counts)
        sub_guide = guide.repeat_interleave(repeats, 1)
        sub_logits = pool_cells(secondary, sub_guide, settings.pooling)
        return loss + settings.sub_class_weight * _mean_loss(sub_logits, self._sub_tags(batch))

    def _sub_tags(self, batch: np.ndarray) -> torch.Tensor:
        """Tags of sub-classes, B x (sum of K): present in its own cluster only, untagged with the class."""
        columns = []
        for index, count in enumerate(self._slices.counts):
            tags, own = self._slices.tags[batch, index], self._slices.sub_classes[batch, index]
            hit = own[:, None] == np.arange(count)
            columns.append(np.where((tags == PRESENT)[:, None], np.where(hit, PRESENT, ABSENT), tags[:, None]))
        return torch.from_numpy(np.concatenate(columns, 1))


def _cell_loss(logits: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of cells B x C x m x m of which it is known what they show, both kinds counting alike."""
    parts = []
    for value in (NOT_SHOWN, SHOWN):
        counted = known.eq(value).to(logits)
        entropy = masked_entropy(logits, torch.full_like(logits, float(value)), counted)
        parts.append(entropy.sum() / counted.sum().clamp_min(1))
    return 0.5 * torch.stack(parts).sum()


def _mean_loss(logits: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
    """Mean binary cross-entropy of B x C x n pooled logits over the entries that carry a tag."""
    known = tags.ge(0)[..., None].expand_as(logits)
    return tag_entropy(logits, tags).sum() / known.sum().clamp_min(1)
