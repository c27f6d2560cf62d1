"""The methods that there are, by preset and by what a model says of its making: a further one is one line here."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from WeakMedSAMLib.contract import stages
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.base.setting_checks import override

if TYPE_CHECKING:
    import torch

    from WeakMedSAMLib.engine.methods.method import Method
    from WeakMedSAMLib.engine.parts.model_files import TrainedModel

# Method -> its module, which is opened when the method is first asked for and has it as METHOD, and its presets.
_PACKAGED = {
    "fast": ("WeakMedSAMLib.engine.methods.fast.method", (stages.FAST,)),
    "published": ("WeakMedSAMLib.engine.methods.published.method", (stages.PAPER, stages.REFERENCE)),
}
_UNNAMED = "fast"  # whose first models did not name it
_registered: dict[str, Method[Any, Any]] = {}


def register(method: Method[Any, Any]) -> None:
    """Add a method that is not packaged."""
    _registered[method.name] = method


def known_presets() -> list[str]:
    """Names of all presets."""
    packaged = [preset for _, presets in _PACKAGED.values() for preset in presets]
    return [*packaged, *(preset for method in _registered.values() for preset in method.presets)]


def find_method(preset: str) -> Method[Any, Any]:
    """The method that a preset is of; `UserError` ``unknown_preset``."""
    for name, (_, presets) in _PACKAGED.items():
        if preset in presets:
            return _open_method(name)
    for method in _registered.values():
        if preset in method.presets:
            return method
    message = f"There is no preset {preset!r}."
    raise UserError("unknown_preset", message, f"Choose one of: {', '.join(known_presets())}.", {"name": preset})


def choose_settings(preset: str, overrides: Mapping[str, Any] | None = None) -> Any:
    """Settings of a preset, with some replaced.

    Raises
    ------
    UserError
        ``unknown_preset``, ``unknown_setting``, ``bad_setting``.
    """
    return override(find_method(preset).presets[preset], overrides or {})


def load_model(folder: Path) -> TrainedModel:
    """Read the model of any method.

    Raises
    ------
    UserError
        ``no_model``, ``bad_model``.
    """
    from WeakMedSAMLib.engine.parts.model_files import read_model

    return read_model(folder, _load)


def method_of(model: TrainedModel) -> Method[Any, Any]:
    """The method that made a model."""
    return _open_method(model.method)


def _load(about: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> TrainedModel:
    name = about.get("method", _UNNAMED)
    if name not in _PACKAGED and name not in _registered:
        raise ValueError(f"it was made by the method {name!r}, which this version does not have")
    loaded: TrainedModel = _open_method(name).load(about, tensors)
    return loaded


def _open_method(name: str) -> Method[Any, Any]:
    if name in _registered:
        return _registered[name]
    method: Method[Any, Any] = importlib.import_module(_PACKAGED[name][0]).METHOD
    return method
