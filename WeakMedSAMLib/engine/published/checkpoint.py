"""The state of a training between two epochs, kept so that it goes on there after it was cut off."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch

from WeakMedSAMLib.engine.state import StageStore

_STATE = "training"


def save_checkpoint(store: StageStore, stage: str, key: str, state: dict[str, Any]) -> None:
    """Keep a training's state (tensors, numbers, lists and dictionaries of such) in place of the stage's last one."""
    stream = io.BytesIO()
    torch.save(state, stream)
    store.save(stage, key, {_STATE: np.frombuffer(stream.getbuffer(), np.uint8)})


def load_checkpoint(store: StageStore, stage: str, key: str) -> dict[str, Any] | None:
    """What was kept for ``stage`` under ``key``, tensors on the CPU; None without it. Nothing in it is run."""
    kept = store.load(stage, key)
    if kept is None:
        return None
    return torch.load(io.BytesIO(kept[_STATE].tobytes()), map_location="cpu", weights_only=True)
