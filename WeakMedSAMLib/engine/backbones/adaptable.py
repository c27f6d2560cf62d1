"""Trainable copies of a backbone's networks: the encoder alone, and encoder and mask decoder together.

The paper (arXiv 2503.04106) trains adapters and the last blocks of the image encoder by the slices' classes; everything
else stays as it was pre-trained. Which parts those are is told by each backbone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones.networks import Network, misfits

Trained = Callable[[str], bool]


class AdaptableEncoder(nn.Module):
    """A copy of an image encoder of which some parts can be trained.

    Batch normalisations keep their pre-trained statistics in training, too: batches are small.

    Parameters
    ----------
    encoder : nn.Module
        Takes images B x 1 x S x S in [0, 1] and gives its last map before the neck; has a ``neck``. It is copied.
    channels, size : int
        Of that map: B x channels x size x size.
    trained : callable
        Says for the name of a parameter of the encoder whether it is trained.
    """

    def __init__(self, encoder: Network, channels: int, size: int, trained: Trained) -> None:
        super().__init__()
        self.encoder = copy.deepcopy(encoder).float()
        self.channels, self.size = channels, size
        train_only(self.encoder, trained)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images B x 1 x S x S in [0, 1] to the last map before the neck, B x channels x size x size."""
        return self.encoder(images)

    def train(self, mode: bool = True) -> AdaptableEncoder:
        """As of any module, but batch normalisations stay as in evaluation."""
        super().train(mode)
        hold_statistics(self)
        return self

    def adapter_state(self) -> dict[str, torch.Tensor]:
        """Copies of the trained tensors by name, on the CPU."""
        return {name: value.detach().cpu().clone() for name, value in trained_parameters(self.encoder).items()}

    def load_adapter_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Put trained tensors back.

        Raises
        ------
        UserError
            ``adapters_do_not_fit``, with the names of tensors that are missing, unknown or of another shape.
        """
        _load_trained(self.encoder, state)
        self.train(self.training)  # some layers keep what they derive from their parameters


class PromptableNetwork(nn.Module):
    """Adaptable encoder and mask decoder as one differentiable network: images and boxes to mask logits.

    The mask decoder is trained, and of the encoder the same parts as in :class:`AdaptableEncoder`; neck and prompt
    encoder stay as they are.

    Parameters
    ----------
    network : nn.Module
        With ``image_encoder`` as above, ``mask_decoder``, and ``masks(image, boxes)``: the neck's output
        1 x C x h x w and n x 4 boxes to logits n x h' x w' and quality n. It is copied.
    trained : callable
        Says for the name of a parameter of the encoder whether it is trained.
    """

    def __init__(self, network: Network, trained: Trained) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).float()
        train_only(self.network, _draws_masks)
        train_only(self.network.image_encoder, trained)

    def forward(self, images: torch.Tensor, boxes: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Images B x 1 x S x S in [0, 1], boxes N x 4 in pixels of the frame, rows N into B; logits N x S x S."""
        encoder = self.network.image_encoder
        maps = encoder.neck(encoder(images))
        parts = [self.network.masks(maps[row : row + 1], boxes=boxes[rows == row])[0] for row in rows.unique()]
        order = torch.cat([(rows == row).nonzero()[:, 0] for row in rows.unique()])
        logits = torch.cat(parts)[order.argsort(), None]
        size = images.shape[-2:]
        return F.interpolate(logits.float(), size=size, mode="bilinear", align_corners=False)[:, 0]

    def load_adapter_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Begin with the encoder of an :class:`AdaptableEncoder`, whose ``adapter_state`` this is; errors as there."""
        _load_trained(self.network.image_encoder, state)
        self.train(self.training)

    def train(self, mode: bool = True) -> PromptableNetwork:
        """As of any module, but batch normalisations stay as in evaluation."""
        super().train(mode)
        hold_statistics(self)
        return self


def train_only(network: nn.Module, trained: Trained) -> None:
    """Let gradients reach only the parameters that are trained."""
    for name, value in network.named_parameters():
        value.requires_grad_(trained(name))


def trained_parameters(network: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that training moves, by name."""
    return {name: value for name, value in network.named_parameters() if value.requires_grad}


@torch.no_grad()
def _load_trained(encoder: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    own = trained_parameters(encoder)
    if wrong := misfits(own, state):
        raise UserError(
            "adapters_do_not_fit",
            f"The trained adapters do not fit this encoder ({wrong}).",
            "Use them with the backbone that they were trained on.",
        )
    for name, value in own.items():
        value.copy_(state[name])


def hold_statistics(network: nn.Module) -> None:
    """Keep batch normalisations from measuring batches, after ``train()`` was called."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def _draws_masks(name: str) -> bool:
    """Whether a parameter of a network is of its mask decoder; the prediction of quality is not trained by masks."""
    return name.startswith("mask_decoder.") and ".iou_prediction_head." not in name
