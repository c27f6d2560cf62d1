"""The state of a training between two epochs, kept so that it goes on there after it was cut off."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from WeakMedSAMLib.contract.events import Event, Stage
from WeakMedSAMLib.engine.base.finite import require_finite
from WeakMedSAMLib.engine.base.state import StageStore, reuse

Report = Callable[[Event], None]

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
