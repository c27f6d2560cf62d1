"""What a slice looks like in a few hundred numbers, for the clustering of sub-classes.

The paper (section III-A; cluster.py of its code) takes ResNet-18 as trained on ImageNet, on grey slices in [0, 1]
without mean and deviation of colours. Its weights are taken where torchvision has put them on this computer, or where
other weights are imported to, and never downloaded; without them the backbone's own features serve.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Progress
from WeakMedSAMLib.contract.stages import SUB_CLASSES as STAGE
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.backbones.weights import default_folder
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.base.torchvision_shim import import_torchvision
from WeakMedSAMLib.engine.features.levels import CAM
from WeakMedSAMLib.engine.features.slices import VolumeSlices, foreground

# Raised whenever the same input gives other sub-classes, by `sub_classes`, `clustering` or here: part of the keys of
# this stage and of those after it.
VERSION = 1
RESNET18, BACKBONE = "resnet18", "backbone"

_BATCH = 16


def slice_descriptors(
    volumes: Sequence[VolumeSlices], slices: np.ndarray, requested: str, backbone: Backbone, report: Report
) -> tuple[np.ndarray, str]:
    """Describe slices.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        The cohort.
    slices : numpy.ndarray
        N x 2: volume and slice.
    requested : {"auto", "resnet18", "backbone"}
        Which features.
    backbone : Backbone
        Whose features the volumes hold.
    report : callable
        Takes progress.

    Returns
    -------
    descriptors : numpy.ndarray
        N x D, float32.
    extractor : str
        ``"resnet18"`` or ``"backbone"``.

    Raises
    ------
    UserError
        ``weights_missing``, ``weights_differ`` for ResNet-18.
    """
    path = resnet18_for(requested)
    if path is None:
        return _backbone_descriptors(volumes, slices), BACKBONE
    network = load_resnet18(path).to(backbone.device)
    parts = []
    for start in range(0, len(slices), _BATCH):
        images = np.stack([volumes[v].features.image[i] for v, i in slices[start : start + _BATCH]])
        parts.append(_resnet_descriptors(network, torch.from_numpy(images).to(backbone.device)))
        report(Progress(STAGE, min(start + _BATCH, len(slices)), len(slices)))
    return np.concatenate(parts), RESNET18


def resnet18_for(requested: str) -> Path | None:
    """Weights of ResNet-18 if its features are to be taken, None for those of the backbone.

    Raises
    ------
    UserError
        ``weights_missing``.
    """
    path = None if requested == BACKBONE else find_resnet18()
    if path is None and requested == RESNET18:
        raise UserError(
            "weights_missing",
            f"The weights of ResNet-18 ({_file_name()}) are not on this computer.",
            f"Put the file into {default_folder()}, or set the extractor to auto.",
            values={"name": "ResNet-18", "file": _file_name()},
        )
    return path


def find_resnet18() -> Path | None:
    """torchvision's file of ResNet-18's newest weights, where it lies on this computer; None without it."""
    name = _file_name()
    folders = (default_folder(), Path(torch.hub.get_dir()) / "checkpoints")
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def load_resnet18(path: Path) -> nn.Module:
    """ResNet-18 up to its last average: B x 3 x H x W to B x 512.

    Raises
    ------
    UserError
        ``weights_differ`` if the file is not what its name, which ends with the beginning of its SHA-256, says.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if not digest.startswith(path.stem.rpartition("-")[2]):
        raise UserError(
            "weights_differ",
            f"{path} is damaged: its SHA-256 begins with {digest[:8]}.",
            "Remove the file, or get it again.",
            values={"file": str(path)},
        )
    network = _torchvision_models().resnet18(weights=None)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    network.fc = nn.Identity()
    return network.eval().requires_grad_(False)


@torch.no_grad()
def _resnet_descriptors(network: nn.Module, images: torch.Tensor) -> np.ndarray:
    """Images B x S x S, uint8, to B x 512."""
    return network((images.float() / 255)[:, None].expand(-1, 3, -1, -1)).float().cpu().numpy()


def _backbone_descriptors(volumes: Sequence[VolumeSlices], slices: np.ndarray) -> np.ndarray:
    """Means over the body of every channel, in deviations: channels differ in scale by orders of magnitude."""
    descriptors = []
    for volume, index in slices:
        one = volumes[volume]
        cells = one.features.levels[CAM].read([index])[0].numpy()
        body = _body(one, index, cells.shape[-1])
        descriptors.append(cells[:, body].mean(1))
    found = np.stack(descriptors)
    return (found - found.mean(0)) / (found.std(0) + 1e-3)


def _body(volume: VolumeSlices, index: int, m: int) -> np.ndarray:
    """Cells of a slice that show the body, all cells if none does: m x m, bool."""
    image = volume.features.image[index]
    step = image.shape[-1] // m
    grey = image[: m * step, : m * step].reshape(m, step, m, step).mean((1, 3), dtype=np.float32) / 255
    body = foreground(grey[None], volume.frame)[0]
    return body if body.any() else np.ones_like(body)


def _file_name() -> str:
    return Path(_torchvision_models().ResNet18_Weights.DEFAULT.url).name


def _torchvision_models() -> Any:
    import_torchvision()
    from torchvision import models

    return models
