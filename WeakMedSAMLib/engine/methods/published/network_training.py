"""Stage of the published method: the segmentation network learns from pseudo-masks.

AdamW with a OneCycle schedule over whole epochs, the last incomplete batch left out, cross-entropy with ten times the
weight on background, random views of slices with their masks: as in train_unet.py of the published code. New here: the
uncertain pixels of a pseudo-mask teach nothing, several classes, batches in parts, and smaller ones of few slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.contract.stages import NETWORK as STAGE
from WeakMedSAMLib.engine.base.precision import reduced_precision
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published.images import slice_images
from WeakMedSAMLib.engine.methods.published.mask_views import move_together, random_views
from WeakMedSAMLib.engine.methods.published.pam import SIZE
from WeakMedSAMLib.engine.methods.published.settings import PublishedSettings
from WeakMedSAMLib.engine.methods.published.unet import beside
from WeakMedSAMLib.engine.parts.epochs import EpochPlan, EpochTraining
from WeakMedSAMLib.engine.parts.pseudo_masks import IGNORED, PseudoMask, decode_probability, label_targets

# Raised whenever the same input gives another network, by `unet`, `mask_views`, the parts `epochs` and `pseudo_masks`,
# or here: part of the key of this stage.
VERSION = 1
_STEPS_AN_EPOCH = 20  # at least, as far as batches of four slices allow
_LEAST_BATCH = 4


@dataclass(frozen=True)
class Lessons:
    """What the network learns from.

    Attributes
    ----------
    volumes : sequence of VolumeSlices
        The cohort.
    masks : sequence of PseudoMask
        Of slices that show a class, SIZE x SIZE.
    empty : numpy.ndarray
        int m x 2, volume and slice: slices that show none.
    classes : int
        C.
    """

    volumes: Sequence[VolumeSlices]
    masks: Sequence[PseudoMask]
    empty: np.ndarray
    classes: int

    def __len__(self) -> int:
        return len(self.masks) + len(self.empty)

    def __getitem__(self, row: int) -> PseudoMask:
        """One slice with its mask; those that show nothing come last."""
        if row < len(self.masks):
            return self.masks[row]
        volume, index = self.empty[row - len(self.masks)]
        return PseudoMask(int(volume), int(index), np.zeros((self.classes, SIZE, SIZE), np.uint8))


class NetworkTraining(EpochTraining):
    """One training, from its first epoch or from a checkpoint to its end.

    Parameters
    ----------
    network : nn.Module
        Trained in place, on its device.
    lessons : Lessons
        At least one slice.
    settings : PublishedSettings
        The ``network_*`` choices and those of augmentation.
    report : callable
        Takes progress and losses; may raise to end the training.
    """

    def __init__(self, network: nn.Module, lessons: Lessons, settings: PublishedSettings, report: Report) -> None:
        self._network, self._lessons, self._settings = network, lessons, settings
        self._device = next(network.parameters()).device
        few = max(_LEAST_BATCH, len(lessons) // _STEPS_AN_EPOCH)
        batch = min(settings.network_batch, few, len(lessons))
        steps, rate = len(lessons) // batch, settings.network_learning_rate
        total = settings.network_epochs * steps
        self._optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=settings.network_weight_decay)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(self._optimizer, rate, total_steps=total)
        self._weights = torch.ones(1 + lessons.classes, device=self._device)
        self._weights[0] = settings.background_weight
        plan = EpochPlan(STAGE, settings.network_epochs, steps, batch, settings.seed)
        kept = {"network": network, "optimizer": self._optimizer, "schedule": self._schedule}
        super().__init__(plan, np.arange(len(lessons)), report, kept)

    def begin_epoch(self, epoch: int) -> None:
        """Train mode."""
        self._network.train()

    def take_step(self, rows: np.ndarray, random: np.random.Generator) -> float:
        """One batch, its gradients added up part by part; returns the loss."""
        micro = self._settings.micro_batch
        parts = [self._part(rows[start : start + micro], random) for start in range(0, len(rows), micro)]
        counted = sum(float(self._weights[target[target != IGNORED]].sum()) for _, target in parts)
        self._optimizer.zero_grad()
        total = 0.0
        for images, target in parts:
            with reduced_precision(self._device):
                logits = self._network(images)
            loss = F.cross_entropy(logits.float(), target, self._weights, ignore_index=IGNORED, reduction="sum")
            (loss / max(counted, 1.0)).backward()
            total += float(loss.detach())
        self._optimizer.step()
        self._schedule.step()
        return total / max(counted, 1.0)

    def _part(self, rows: np.ndarray, random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and labels of some slices, as random views."""
        settings, found = self._settings, [self._lessons[int(row)] for row in rows]
        images = torch.cat(
            [
                slice_images(self._lessons.volumes[one.volume], np.array([one.index]), SIZE, beside(settings))
                for one in found
            ]
        )
        probability, known = decode_probability(np.stack([one.probability for one in found]))
        views = random_views(len(rows), settings, random)
        images, probability, known = move_together(images, probability, known, views, settings, random)
        target = label_targets(probability, known, settings.threshold, settings.ignore_band)
        return images.to(self._device), target.to(self._device)
