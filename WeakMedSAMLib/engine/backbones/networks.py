"""Networks whose parts are read by name, and tensors that fit them or do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from WeakMedSAMLib.contract.errors import UserError

if TYPE_CHECKING:
    import torch

# An nn.Module whose parts are read by name; torch has it that each of them may be a tensor as well as a module.
Network: TypeAlias = Any

_MOST_NAMES = 5


def require_fitting_tensors(own: Mapping[str, torch.Tensor], state: Mapping[str, torch.Tensor], name: str) -> None:
    """Refuse tensors that are missing, unknown or of another shape.

    Raises
    ------
    UserError
        ``weights_do_not_fit`` with their names.
    """
    if wrong := misfits(own, state):
        raise UserError(
            "weights_do_not_fit",
            f"The weights do not fit the network {name} ({wrong}).",
            "Import the published file of this backbone: weakmedsam weights list says which.",
            values={"name": name},
        )


def misfits(own: Mapping[str, torch.Tensor], state: Mapping[str, torch.Tensor]) -> str:
    """Which tensors of a state are missing, unknown or of another shape, in words; nothing if all fit."""
    shapes = [
        f"{key} ({_shape(state[key])} for {_shape(own[key])})"
        for key in sorted(own.keys() & state.keys())
        if own[key].shape != state[key].shape
    ]
    parts = {
        "missing": sorted(own.keys() - state.keys()),
        "unknown": sorted(state.keys() - own.keys()),
        "of another shape": shapes,
    }
    return "; ".join(f"{word}: {_list_few(names)}" for word, names in parts.items() if names)


def _list_few(names: Iterable[str]) -> str:
    """The first few of many names, and how many more there are."""
    names = list(names)
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _shape(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a number"
