"""Backbones by name: each family registers its own, with what is known of their weights."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine import backbones
from WeakMedSAMLib.engine.backbones.base import Backbone, WeightsInfo
from WeakMedSAMLib.engine.base.memory import keep_freed_memory

Builder = Callable[[Path | None, bool], Backbone]
_B = TypeVar("_B", bound=Builder)


@dataclass(frozen=True)
class _Entry:
    """A backbone that is known: how it is built, and its weights, if they are published."""

    build: Builder
    weights: WeightsInfo | None


_entries: dict[str, _Entry] = {}


def register(name: str, weights: WeightsInfo | None = None) -> Callable[[_B], _B]:
    """Decorate a builder ``(weights_folder, untrained) -> Backbone`` to make it known under a name.

    The packages in this folder are imported wherever backbones are listed, so a builder imports torch in its body.

    Parameters
    ----------
    name : str
        By which runs ask for the backbone.
    weights : WeightsInfo, optional
        What is published of its weights, if anything: these can then be listed, checked, imported and downloaded.

    Raises
    ------
    ValueError
        If another builder has the name.
    """

    def keep(builder: _B) -> _B:
        if name in _entries and _entries[name].build is not builder:
            raise ValueError(f"a backbone named {name!r} is registered already")
        _entries[name] = _Entry(builder, weights and replace(weights, backbone=name))
        return builder

    return keep


def available() -> list[str]:
    """Names of all backbones that can be asked for, sorted."""
    return sorted(_all_entries())


def published_weights() -> list[WeightsInfo]:
    """What is known of the weights of all backbones, in no particular order."""
    return [entry.weights for entry in _all_entries().values() if entry.weights is not None]


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
    """Build a backbone with its pre-trained weights, on the CPU in float32, and have memory ready for its work.

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
    keep_freed_memory()
    return _entries[name].build(weights_folder, untrained)


def _all_entries() -> dict[str, _Entry]:
    """All that is registered, once every family in this folder was imported: a package each."""
    for found in pkgutil.iter_modules(backbones.__path__):
        if found.ispkg:
            importlib.import_module(f"{backbones.__name__}.{found.name}")
    return _entries
