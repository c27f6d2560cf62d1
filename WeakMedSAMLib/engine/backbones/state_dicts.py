"""Published tensors into networks, with every tensor that does not fit named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones.weights import WeightsInfo, load_weights, untrained, weights_for

_MOST_NAMES = 5

_N = TypeVar("_N", bound=nn.Module)


def filled(
    make: Callable[[], _N], name: str, folder: Path | None, random_weights: bool, unused: tuple[str, ...] = ()
) -> tuple[_N, WeightsInfo]:
    """A frozen network in evaluation mode with a backbone's checked weights, and what is known of them.

    Parameters
    ----------
    make : callable
        Gives the network with random weights.
    name : str
        Of the backbone.
    folder : Path, optional
        Of imported weights.
    random_weights : bool
        Leave the weights random, the same at every call.
    unused : tuple of str
        Tensors of the file whose names begin so are left out.

    Raises
    ------
    UserError
        ``weights_do_not_fit``, and what `weights.load_weights` says.
    """
    # Loaded first: weights that are missing should not be told only after a large network was made.
    state = None if random_weights else load_weights(name, folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = make()
    if state is not None:
        state = {key: value for key, value in state.items() if not key.startswith(unused)}
        require_fitting_tensors(network.state_dict(), state, name)
        network.load_state_dict(state)
    return network.eval().requires_grad_(False), untrained(name) if random_weights else weights_for(name, folder)


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
    return "; ".join(f"{word}: {named(names)}" for word, names in parts.items() if names)


def named(names: Iterable[str]) -> str:
    """The first few of many names, and how many more there are."""
    names = list(names)
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _shape(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a number"
