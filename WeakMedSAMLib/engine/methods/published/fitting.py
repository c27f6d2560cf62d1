"""The training loop of the published classifier: epochs, gradients in parts, early stop, checkpoints.

AdamW with a OneCycle schedule over all epochs, batches of shuffled slices, the last incomplete one of an epoch left
out, as in the published code. New here: patients left out say when to stop, and whose weights are kept; a training that
was cut off goes on after its last whole epoch and ends as if it had not been.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Metric
from WeakMedSAMLib.contract.stages import ADAPTERS as STAGE
from WeakMedSAMLib.engine.base.memory import is_gpu_out_of_memory
from WeakMedSAMLib.engine.base.precision import loss_scaler
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.methods.published.classifier import AdaptedClassifier, sum_losses
from WeakMedSAMLib.engine.methods.published.examples import Batch, Examples
from WeakMedSAMLib.engine.parts.epochs import EpochPlan, EpochTraining

# Raised whenever the same input gives another classifier, by `classifier`, `examples`, `augment`, the parts `epochs`,
# `pooling` and `losses`, or here: part of the keys of this stage and of those after it.
VERSION = 1


class Fitting(EpochTraining):
    """One training, from its first epoch or from a checkpoint to its end.

    Parameters
    ----------
    classifier : AdaptedClassifier
        Trained in place, on the examples' device.
    examples : Examples
        Slices, with patients left out or without.
    report : callable
        Takes progress and losses; may raise to end the training.
    """

    def __init__(self, classifier: AdaptedClassifier, examples: Examples, report: Report) -> None:
        settings = classifier.settings
        self.classifier, self._examples, self._settings = classifier, examples, settings
        inside, self._validation = (np.flatnonzero(examples.tagged.left_out == out) for out in (False, True))
        steps = max(1, len(inside) // settings.batch)
        rate = settings.learning_rate if classifier.adapted else settings.frozen_learning_rate
        trained = [parameter for parameter in classifier.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=settings.weight_decay)
        total = settings.epochs * steps
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(self._optimizer, rate, total_steps=total)
        self._scaler = loss_scaler(classifier.precision)
        self._micro, self._halved = min(settings.micro_batch, settings.batch), False
        self._best_epoch, self._best_loss = 0, math.inf
        self._best: dict[str, torch.Tensor] = {}
        kept = {"optimizer": self._optimizer, "schedule": self._schedule, "scaler": self._scaler}
        super().__init__(EpochPlan(STAGE, settings.epochs, steps, settings.batch, settings.seed), inside, report, kept)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the loss on the patients left out has not fallen for long enough."""
        waited = self._epoch - self._best_epoch
        return super().finished or (self._stops_early and waited >= self._settings.patience)

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on, for `load_state`."""
        return {
            **super().state(),
            "learned": self.classifier.learned(),
            "micro_batch": [self._micro, self._halved],
            "best": [self._best_epoch, self._best_loss, self._best],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        super().load_state(state)
        self.classifier.load_learned(state["learned"])
        self._micro, self._halved = state["micro_batch"]
        self._best_epoch, self._best_loss, self._best = state["best"]

    def begin_epoch(self, epoch: int) -> None:
        """Train mode, and the random numbers of layers that draw some."""
        torch.manual_seed(self._settings.seed + epoch)
        self.classifier.train()

    def take_step(self, rows: np.ndarray, random: np.random.Generator) -> float:
        """One step of the optimiser; returns the loss."""
        loss = self._gradients(self._examples.batch(rows, self.classifier, random))
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._schedule.step()
        return loss

    def end_epoch(self) -> None:
        """Ask the patients left out."""
        if len(self._validation):
            self._validate()

    def finish(self) -> AdaptedClassifier:
        """The classifier, with the weights of its best epoch if patients left out were asked."""
        if self._stops_early and self._best:
            self.classifier.load_learned(self._best)
        return self.classifier.eval()

    @property
    def _stops_early(self) -> bool:
        return bool(self._settings.patience and len(self._validation))

    def _gradients(self, batch: Batch) -> float:
        """Gradients of a batch; where memory runs out they are begun again in smaller parts, once in a training."""
        while True:
            self._optimizer.zero_grad()
            try:
                return self._accumulate(batch)
            except RuntimeError as error:
                if not is_gpu_out_of_memory(error):
                    raise
                if self._halved or self._micro == 1:
                    raise _out_of_memory(self._micro, batch.inputs.device) from error
            self._micro, self._halved = self._micro // 2, True
            self._optimizer.zero_grad()
            torch.cuda.empty_cache()

    def _accumulate(self, batch: Batch) -> float:
        """Add up the gradients of the parts of a batch: those of the whole batch's mean loss."""
        known, sub_known = (int(tags.ge(0).sum().clamp_min(1)) for tags in (batch.tags, batch.sub_tags))
        total = 0.0
        for part in batch.split(self._micro):
            primary, secondary = self._losses(part)
            loss = primary / known + self._settings.sub_class_weight * secondary / sub_known
            self._scaler.scale(loss).backward()
            total += float(loss.detach())
        return total

    def _losses(self, part: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Summed losses of classes and of sub-classes; the latter are 0 where there are none."""
        pooling = self._settings.pooling
        cells, sub_cells = self.classifier(part.inputs)
        explored = max(self.classifier.counts) > 1 and self._settings.sub_class_weight > 0
        secondary = sum_losses(sub_cells, part.sub_tags, pooling) if explored else cells.new_zeros(())
        return sum_losses(cells, part.tags, pooling), secondary

    @torch.no_grad()
    def _validate(self) -> None:
        """Mean loss of the classes on the patients left out, and whether it is the lowest so far."""
        self.classifier.eval()
        total, known = 0.0, 0
        for rows in np.array_split(self._validation, math.ceil(len(self._validation) / self._micro)):
            batch = self._examples.batch(rows, self.classifier)
            total += float(self._losses(batch)[0])
            known += int(batch.tags.ge(0).sum())
        loss = total / known
        self._report(Metric(name="validation_loss", value=loss, stage=STAGE, step=self._epoch))
        if loss < self._best_loss:
            self._best_epoch, self._best_loss, self._best = self._epoch, loss, self.classifier.learned()


def _out_of_memory(micro_batch: int, device: torch.device) -> UserError:
    return UserError(
        "gpu_out_of_memory",
        f"The memory of {device} does not suffice to train on {counted(micro_batch, 'slice')} at once.",
        "Close other programs that use the GPU, set micro_batch lower, or set the encoder to frozen.",
    )
