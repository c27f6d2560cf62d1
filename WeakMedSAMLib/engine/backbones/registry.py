"""Backbones by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones.base import Backbone

Builder = Callable[[Path | None, bool], Backbone]
_B = TypeVar("_B", bound=Builder)

# The packaged backbones' modules, imported only when one is built: listing them must work without torch.
_HERE = "WeakMedSAMLib.engine.backbones"
_PACKAGED = {
    "litemedsam": f"{_HERE}.litemedsam",
    "mobilesam": f"{_HERE}.mobilesam",
    "sam_vit_b": f"{_HERE}.sam_vit",
    "sam_vit_l": f"{_HERE}.sam_vit",
    "sam_vit_h": f"{_HERE}.sam_vit",
    "samus": f"{_HERE}.samus",
    "efficientsam_ti": f"{_HERE}.efficientsam",
    "efficientsam_s": f"{_HERE}.efficientsam",
}
_builders: dict[str, Builder] = {}


def register(name: str) -> Callable[[_B], _B]:
    """Decorate a builder ``(weights_folder, untrained) -> Backbone`` to make it known under a name.

    Raises
    ------
    ValueError
        If another builder has the name.
    """

    def keep(builder: _B) -> _B:
        if _builders.get(name, builder) is not builder:
            raise ValueError(f"a backbone named {name!r} is registered already")
        _builders[name] = builder
        return builder

    return keep


def available() -> list[str]:
    """Names of all backbones that can be asked for, sorted."""
    return sorted({*_PACKAGED, *_builders})


def require_backbone(name: str) -> None:
    """Refuse a name that is not among :func:`available`: UserError ``unknown_backbone``."""
    if name not in available():
        raise UserError(
            "unknown_backbone",
            f"Unknown backbone {name!r}.",
            f"Known backbones: {', '.join(available())}.",
            values={"name": name},
        )


def build_backbone(name: str, weights_folder: Path | None = None, untrained: bool = False) -> Backbone:
    """Build a backbone with its pre-trained weights, on the CPU in float32.

    Parameters
    ----------
    name : str
        One of :func:`available`.
    weights_folder : Path, optional
        Folder of imported weights; by default the user's data folder.
    untrained : bool
        Random weights instead, the same at every call: for tests and for figures of speed and size.

    Raises
    ------
    UserError
        ``unknown_backbone``; ``weights_*`` where the weights are missing or not the right ones.
    """
    require_backbone(name)
    if name not in _builders:
        importlib.import_module(_PACKAGED[name])
    return _builders[name](weights_folder, untrained)
