"""Trained models, and how they are kept: safetensors and JSON, nothing that could run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as pack_tensors

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import json_text, private_folder, read_json, replacing_all
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.features.preprocess import Intensity

T = TypeVar("T")

WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"
_FORMAT = "weakmedsam-model"
_VERSION = 2  # 2: the range of grey values
_MOST_BYTES = 500_000_000
_SPOILED = (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError, AttributeError, SafetensorError)


@dataclass(frozen=True, kw_only=True)
class TrainedModel(ABC):
    """What the training of any method leaves behind: all that is needed to segment a volume without tags.

    Attributes
    ----------
    method : str
        Name of the method that made it, and can read it.
    reads_features : bool
        Whether it is applied to features of its backbone, and not to images alone.
    classes : ClassTable
        What it segments.
    backbone, weights_sha256 : str
        The backbone, and its weights, with which it was trained.
    settings : dataclass
        It was trained with.
    patients : int
        Patients that it learned from.
    window : Intensity or None
        Range of grey values that all volumes shared that it learned from.
    axis : str or None
        Slice axis that it learned along; None where that is not known, or was not the same for all.
    """

    method: ClassVar[str]
    reads_features: ClassVar[bool]

    classes: ClassTable
    backbone: str
    weights_sha256: str | None
    settings: Any
    patients: int
    window: Intensity | None
    axis: str | None = None

    @abstractmethod
    def tensors(self) -> dict[str, torch.Tensor]:
        """All that training has made, by part and name."""

    def describe(self) -> dict[str, Any]:
        """Everything else, as plain JSON values."""
        return {
            "method": self.method,
            "classes": self.classes.to_json(),
            "backbone": self.backbone,
            "weights_sha256": self.weights_sha256,
            "settings": asdict(self.settings),
            "patients": self.patients,
            "window": self.window and self.window.to_json(),
            "axis": self.axis,
        }


def read_common(about: Mapping[str, Any]) -> dict[str, Any]:
    """What every model's description holds, but for its settings, as arguments of a `TrainedModel`.

    Raises
    ------
    ValueError, LookupError, TypeError
        Where something is missing, or is not what it must be.
    """
    sha256, window, axis = about["weights_sha256"], about["window"], about.get("axis")  # older ones have no axis
    if axis is not None and axis not in AXES:
        raise ValueError(f"{axis!r} is no slice axis")
    return {
        "classes": ClassTable.from_json(about["classes"]),
        "backbone": str(about["backbone"]),
        "weights_sha256": None if sha256 is None else str(sha256),
        "patients": int(about["patients"]),
        "window": Intensity.from_json(window) if window else None,
        "axis": axis,
    }


def require_classes(model: TrainedModel, classes: ClassTable) -> None:
    """Refuse a model of other classes; `UserError` ``model_does_not_fit``."""
    if tuple(model.classes.names) != tuple(classes.names):
        known, asked = ", ".join(model.classes.names), ", ".join(classes.names)
        message = f"The model knows the classes {known}; the run has {asked}."
        raise UserError("model_does_not_fit", message, "Use the class table of the model.")


def require_fitting(model: TrainedModel, classes: ClassTable, backbone: Backbone) -> None:
    """Refuse a model of other classes or of another backbone.

    Raises
    ------
    UserError
        ``model_does_not_fit``.
    """
    require_classes(model, classes)
    if (model.backbone, model.weights_sha256) != (backbone.info.name, backbone.info.weights.sha256):
        message = f"The model was trained on features of {model.backbone}, other weights than this run's."
        raise UserError("model_does_not_fit", message, f"Run with the backbone {model.backbone} and its weights.")


def save_model(folder: Path, model: TrainedModel) -> None:
    """Write the model into ``folder``; `UserError` ``cannot_write``."""
    private_folder(folder)
    packed = pack_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in model.tensors().items()})
    described = json_text({"format": _FORMAT, "version": _VERSION, **model.describe()}).encode("utf-8")
    with replacing_all([folder / WEIGHTS, folder / DESCRIPTION]) as (weights, description):
        weights.write_bytes(packed)
        description.write_bytes(described)


def read_model(folder: Path, build: Callable[[Mapping[str, Any], dict[str, torch.Tensor]], T]) -> T:
    """Read what `save_model` wrote.

    Parameters
    ----------
    folder : Path
        Of the model.
    build : callable
        Makes the model of its description and its tensors, on the CPU; raises where they do not fit together.

    Raises
    ------
    UserError
        ``no_model``, ``bad_model``.
    """
    path = folder / WEIGHTS
    if not path.is_file() or not (folder / DESCRIPTION).is_file():
        hint = "Give the folder of a finished run's model."
        raise UserError("no_model", f"{folder} holds no trained model.", hint, {"folder": str(folder)})
    about = read_json(folder / DESCRIPTION)
    if not isinstance(about, dict) or (about.get("format"), about.get("version")) != (_FORMAT, _VERSION):
        raise _bad_model(folder / DESCRIPTION, "it is not a model description of this version")
    if path.stat().st_size > _MOST_BYTES:
        raise _bad_model(path, f"{path.stat().st_size} bytes are more than any model has")
    try:
        tensors = parse_tensors(path.read_bytes())
        _require_numbers(tensors)
        return build(about, tensors)
    except _SPOILED as error:
        raise _bad_model(path, (str(error).splitlines() or [type(error).__name__])[0]) from error


def _require_numbers(tensors: Mapping[str, torch.Tensor]) -> None:
    for key, tensor in tensors.items():
        if tensor.dtype != torch.float32 or not tensor.isfinite().all():
            raise ValueError(f"{key} holds numbers that no model has")


def _bad_model(path: Path, reason: str) -> UserError:
    hint, values = "Use the model/ of a finished run.", {"folder": str(path), "reason": reason}
    return UserError("bad_model", f"{path} cannot be used as a model: {reason}.", hint, values)
