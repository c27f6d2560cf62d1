"""The checked tensors of weights files, and networks that are filled with them. Only tensors are unpickled."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones import weights
from WeakMedSAMLib.engine.backbones.base import WeightsInfo
from WeakMedSAMLib.engine.backbones.networks import require_fitting_tensors

_N = TypeVar("_N", bound=nn.Module)


def load_weights(backbone: str, folder: Path | None = None) -> dict[str, torch.Tensor]:
    """Load the checked tensors of a backbone's weights onto the CPU.

    Raises
    ------
    UserError
        As :func:`check_weights`; ``weights_unsafe`` if the file holds anything but tensors.
    """
    info = weights.weights_for(backbone, folder)
    path, origin = weights.locate_required(info, folder)
    with weights.opened(path) as handle:
        weights.verify(handle, path, info, origin)
        handle.seek(0)  # the same open file is loaded that was checked
        try:
            state = torch.load(handle, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, LookupError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise UserError(
                "weights_unsafe",
                f"The weights file {path} holds more than tensors or cannot be read ({reason}).",
                weights.way_out(info, origin),
                values={"file": str(path)},
            ) from error
    return _tensors(state, path, info, origin)


def _tensors(state: Any, path: Path, info: WeightsInfo, origin: str) -> dict[str, torch.Tensor]:
    """The table of tensors, which some files hold under the key ``model``."""
    state = state["model"] if isinstance(state, dict) and isinstance(state.get("model"), dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError(
            "weights_unsafe",
            f"The weights file {path} is not a table of tensors.",
            weights.way_out(info, origin),
            values={"file": str(path)},
        )
    return state


def fill_network(
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
        ``weights_do_not_fit``, and what `load_weights` says.
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
    return network.eval().requires_grad_(False), _untrained(name) if random_weights else weights.weights_for(
        name, folder
    )


def _untrained(backbone: str) -> WeightsInfo:
    """What is said of random weights; ``"untrained"`` stands in place of their hash."""
    return WeightsInfo(
        backbone=backbone,
        file="",
        size=None,
        sha256="untrained",
        source="generated here",
        licence="none",
        pretraining="Random weights: for tests, and for figures of speed and size only.",
    )
