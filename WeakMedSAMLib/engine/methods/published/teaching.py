"""Stage of the published method: train the segmentation network, epoch by epoch, and go on where it was cut off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.stages import NETWORK
from WeakMedSAMLib.engine.base.state import stage_key
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published import network_training
from WeakMedSAMLib.engine.methods.published.model import PublishedModel
from WeakMedSAMLib.engine.methods.published.network_training import Lessons, NetworkTraining
from WeakMedSAMLib.engine.methods.published.pseudo_masks import Mined
from WeakMedSAMLib.engine.methods.published.settings import Defect, PublishedSettings
from WeakMedSAMLib.engine.methods.published.unet import build_network
from WeakMedSAMLib.engine.parts.epochs import train_to_end
from WeakMedSAMLib.engine.parts.run_context import RunContext

_READ = ("seed", "micro_batch", "crops", "flips", "jitter", "threshold", "ignore_band", "background_weight")


def teach_network(
    volumes: Sequence[VolumeSlices],
    mined: Sequence[Mined],
    settings: PublishedSettings,
    context: RunContext,
    key: str,
    start: PublishedModel | None = None,
) -> nn.Module:
    """The segmentation network, taught by pseudo-masks.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        The cohort.
    mined : sequence of Mined
        What is believed of its tagged volumes.
    settings : PublishedSettings
        The choices.
    context : RunContext
        Its store keeps the state after every epoch.
    key : str
        Of the pseudo-masks.
    start : PublishedModel, optional
        Trained before; its network is the starting point.

    Raises
    ------
    UserError
        ``model_does_not_fit``: the starting point has a network of another kind; ``nothing_to_learn``.
    """
    classes = len(context.classes)
    network = build_network(settings, classes).to(context.device)
    if start is not None:
        _require_same_network(start.settings, settings)
        network.load_state_dict(start.network.state_dict())
    masks = [mask for one in mined for mask in one.masks]
    empty = np.array([(one.volume, index) for one in mined for index in one.empty], int).reshape(-1, 2)
    if not len(masks) + len(empty):
        message = "No slice says for every class whether it shows it, so that the network has nothing to learn from."
        raise UserError("nothing_to_learn", message, "Tag more slices, or leave out the defect predicted_gate.")
    training = NetworkTraining(network, Lessons(volumes, masks, empty, classes), settings, context.report)
    train_to_end(training, context.store, NETWORK, _own_key(key, settings, start), context.report)
    return network.eval()


def _own_key(key: str, settings: PublishedSettings, start: PublishedModel | None) -> str:
    names = [name for name in settings.__dataclass_fields__ if name in _READ or name.startswith("network")]
    read = {name: getattr(settings, name) for name in names}
    began = [] if start is None else [tensor.cpu().numpy() for tensor in start.network.state_dict().values()]
    return stage_key(network_training.VERSION, key, read, settings.has(Defect.MASK_SCALE), began)


def _require_same_network(before: PublishedSettings, now: PublishedSettings) -> None:
    for name in ("network", "network_width"):
        if getattr(before, name) != getattr(now, name):
            message = f"The model was trained with {name} {getattr(before, name)}; the run has {getattr(now, name)}."
            raise UserError("model_does_not_fit", message, f"Run with --set {name}={getattr(before, name)}.")
