"""Training in epochs: one loop for all, and its state between two of them, kept so that it goes on after a cut-off."""

from __future__ import annotations

import copy
import io
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from WeakMedSAMLib.contract.events import Metric, Progress, Stage
from WeakMedSAMLib.engine.base.finite import require_finite
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.base.state import StageStore, reuse

_STATE = "training"


class Training(Protocol):
    """A training in epochs whose whole state can be kept between two of them."""

    @property
    def finished(self) -> bool:
        """Whether no epoch is left."""

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on: tensors, numbers, lists and dictionaries of such."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""

    def run_epoch(self) -> None:
        """Train for one epoch."""


@dataclass(frozen=True)
class EpochPlan:
    """How a training goes on.

    Attributes
    ----------
    stage : str
        For its events.
    epochs, steps, batch : int
        Epochs, steps in each, and rows in each step.
    seed : int
        Of all random numbers.
    """

    stage: str
    epochs: int
    steps: int
    batch: int
    seed: int


class EpochTraining(ABC):
    """The loop: each epoch sees rows in a random order, a batch a step, and tells of progress and loss.

    Every epoch draws its random numbers from seed and number alone, so that nothing of the past is needed to go on but
    what `state` holds.

    Parameters
    ----------
    plan : EpochPlan
    rows : numpy.ndarray
        What a batch is drawn from; what is left over at the end of an epoch, for want of a step, is left out.
    report : callable
        Takes progress and losses; may raise to end the training.
    kept : mapping
        Name in the state -> optimiser, schedule or the like, with ``state_dict`` and ``load_state_dict``.
    """

    def __init__(self, plan: EpochPlan, rows: np.ndarray, report: Report, kept: Mapping[str, Any]) -> None:
        self._plan, self._rows, self._report, self._stateful = plan, rows, report, kept
        self._epoch = 0

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self._epoch >= self._plan.epochs

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on, for `load_state`."""
        return {"epoch": self._epoch, **{name: part.state_dict() for name, part in self._stateful.items()}}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._epoch = state["epoch"]
        for name, part in self._stateful.items():
            part.load_state_dict(state[name])

    def run_epoch(self) -> None:
        """Train for one epoch."""
        plan = self._plan
        random = np.random.default_rng([plan.seed, self._epoch])
        self.begin_epoch(self._epoch)
        order, losses = random.permutation(self._rows), []
        for step in range(plan.steps):
            losses.append(self.take_step(order[step * plan.batch : (step + 1) * plan.batch], random))
            done, total = self._epoch * plan.steps + step + 1, plan.epochs * plan.steps
            self._report(Progress(plan.stage, done, total))
        self._epoch += 1
        self._report(Metric(name="loss", value=float(np.mean(losses)), stage=plan.stage, step=self._epoch))
        self.end_epoch()

    @abstractmethod
    def begin_epoch(self, epoch: int) -> None:
        """Make networks ready to be trained."""

    @abstractmethod
    def take_step(self, rows: np.ndarray, random: np.random.Generator) -> float:
        """One step of the optimiser on a batch; returns the loss."""

    def end_epoch(self) -> None:  # noqa: B027 - most have nothing to do
        """Look at what was learned."""


def train_to_end(
    training: Training, store: StageStore, stage: str, key: str, report: Report = lambda event: None
) -> None:
    """Train from the last whole epoch on that is kept for ``stage`` under ``key``, and keep the state after each.

    A state that does not fit the training of today is left alone, and the training begins anew.
    `report` is told whether the stage was begun and finished, or is reused as it was kept.

    Raises
    ------
    UserError
        ``not_finite`` for a state that holds NaN or infinity; it is not kept.
    """
    _go_on(training, store, stage, key)
    if training.finished:
        report(Stage(stage=stage, state="reused"))
        return
    report(Stage(stage=stage, state="started"))
    while not training.finished:
        training.run_epoch()
        _save(store, stage, key, training.state())
    report(Stage(stage=stage, state="finished"))


def _save(store: StageStore, stage: str, key: str, state: dict[str, Any]) -> None:
    """Keep a training's state in place of the stage's last one."""
    require_finite(stage, dict(_tensors(state)))  # the store sees bytes alone
    stream = io.BytesIO()
    torch.save(state, stream)
    store.save(stage, key, {_STATE: np.frombuffer(stream.getbuffer(), np.uint8)})


def _tensors(value: Any, name: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """All tensors in dictionaries and lists of them, by the names that lead there."""
    if isinstance(value, torch.Tensor):
        yield name, value.detach().cpu().numpy()
    elif isinstance(value, Mapping | Sequence) and not isinstance(value, str):
        for key, part in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _tensors(part, f"{name}.{key}".lstrip("."))


def _go_on(training: Training, store: StageStore, stage: str, key: str) -> None:
    """Put a training where what is kept for ``stage`` was taken; where that does not fit, leave it as it was."""
    fresh = copy.deepcopy(training.state())

    def load(kept: Mapping[str, Any]) -> bool:
        try:
            training.load_state(_unpack(kept))
        except Exception:
            training.load_state(fresh)
            raise
        return True

    reuse(store, stage, key, load)


def _unpack(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A state as it was kept, tensors on the CPU. Nothing in it is run."""
    return torch.load(io.BytesIO(kept[_STATE].tobytes()), map_location="cpu", weights_only=True)
