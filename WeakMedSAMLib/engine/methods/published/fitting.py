"""The training loop of the published classifier: epochs, gradients in parts, early stop, checkpoints.

AdamW with a OneCycle schedule over all epochs, batches of shuffled slices, the last incomplete one of an epoch left
out, as in the published code. New here: patients left out say when to stop, and whose weights are kept; a training that
was cut off goes on after its last whole epoch and ends as if it had not been. Every epoch draws its random numbers from
seed and number alone, so that nothing of the past is needed for that but weights and optimiser.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Event, Metric, Progress
from WeakMedSAMLib.contract.stages import ADAPTERS as STAGE
from WeakMedSAMLib.engine.base.precision import loss_scaler
from WeakMedSAMLib.engine.features.embed import is_out_of_memory
from WeakMedSAMLib.engine.methods.published.classifier import AdaptedClassifier, summed_losses
from WeakMedSAMLib.engine.methods.published.examples import Batch, Examples

# Raised whenever the same input gives another classifier, by `classifier`, `examples`, `augment` or here: part of the
# keys of this stage and of those after it.
VERSION = 1

Report = Callable[[Event], None]


class Fitting:
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
        self.classifier, self._examples, self._settings, self._report = classifier, examples, settings, report
        self._training = np.flatnonzero(~examples.tagged.left_out)
        self._validation = np.flatnonzero(examples.tagged.left_out)
        self._steps = max(1, len(self._training) // settings.batch)
        rate = settings.learning_rate if classifier.adapted else settings.frozen_learning_rate
        trained = [parameter for parameter in classifier.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=settings.weight_decay)
        total = settings.epochs * self._steps
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(self._optimizer, rate, total_steps=total)
        self._scaler = loss_scaler(classifier.precision)
        self._micro, self._halved = min(settings.micro_batch, settings.batch), False
        self._epoch, self._best_epoch, self._best_loss = 0, 0, math.inf
        self._best: dict[str, torch.Tensor] = {}

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the loss on the patients left out has not fallen for long enough."""
        waited = self._epoch - self._best_epoch
        return self._epoch >= self._settings.epochs or (self._stops_early and waited >= self._settings.patience)

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on, for `load_state`."""
        return {
            "epoch": self._epoch,
            "learned": self.classifier.learned(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "scaler": self._scaler.state_dict(),
            "micro_batch": [self._micro, self._halved],
            "best": [self._best_epoch, self._best_loss, self._best],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._epoch = state["epoch"]
        self.classifier.load_learned(state["learned"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self._scaler.load_state_dict(state["scaler"])
        self._micro, self._halved = state["micro_batch"]
        self._best_epoch, self._best_loss, self._best = state["best"]

    def run_epoch(self) -> None:
        """Train for one epoch and look at the patients left out."""
        settings = self._settings
        random = np.random.default_rng([settings.seed, self._epoch])
        torch.manual_seed(settings.seed + self._epoch)
        self.classifier.train()
        order, losses = random.permutation(self._training), []
        for step in range(self._steps):
            rows = order[step * settings.batch : (step + 1) * settings.batch]
            losses.append(self._step(self._examples.batch(rows, self.classifier, random)))
            self._report(Progress(STAGE, self._epoch * self._steps + step + 1, settings.epochs * self._steps))
        self._epoch += 1
        self._report(Metric(name="loss", value=float(np.mean(losses)), stage=STAGE, step=self._epoch))
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

    def _step(self, batch: Batch) -> float:
        """One step of the optimiser; returns the loss."""
        loss = self._gradients(batch)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._schedule.step()
        return loss

    def _gradients(self, batch: Batch) -> float:
        """Gradients of a batch; where memory runs out they are begun again in smaller parts, once in a training."""
        while True:
            self._optimizer.zero_grad()
            try:
                return self._accumulated(batch)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if self._halved or self._micro == 1:
                    raise _out_of_memory(self._micro, batch.inputs.device) from error
            self._micro, self._halved = self._micro // 2, True
            self._optimizer.zero_grad()
            torch.cuda.empty_cache()

    def _accumulated(self, batch: Batch) -> float:
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
        secondary = summed_losses(sub_cells, part.sub_tags, pooling) if explored else cells.new_zeros(())
        return summed_losses(cells, part.tags, pooling), secondary

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
        f"The memory of {device} does not suffice to train on {micro_batch} slice(s) at once.",
        "Close other programs that use the GPU, set micro_batch lower, or set the encoder to frozen.",
    )
