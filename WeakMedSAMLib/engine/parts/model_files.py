"""How trained models are kept: safetensors and JSON, nothing that could run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.slice_tags import AXES

WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"
_FORMAT = "weakmedsam-model"
_VERSION = 2  # 2: the range of grey values
_MOST_BYTES = 500_000_000


def _require_numbers(tensors: Mapping[str, torch.Tensor]) -> None:
    for key, tensor in tensors.items():
        if tensor.dtype != torch.float32 or not tensor.isfinite().all():
            raise ValueError(f"{key} holds numbers that no model has")


def _bad_model(path: Path, reason: str) -> UserError:
    return UserError("bad_model", f"{path} cannot be used as a model: {reason}.", "Use the model/ of a finished run.")


def optional_text(value: Any) -> str | None:
    """A text of a model's description, where null stays what it is: nothing is known."""
    return None if value is None else str(value)


def known_axis(about: Mapping[str, Any]) -> str | None:
    """The slice axis in a model's description; older ones have none, and ValueError for what is no axis."""
    axis = optional_text(about.get("axis"))
    if axis is not None and axis not in AXES:
        raise ValueError(f"{axis!r} is no slice axis")
    return axis
