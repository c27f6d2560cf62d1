"""The parts of SAM as one network: image encoder, prompt encoder, mask decoder."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from WeakMedSAMLib.engine.backbones.networks import Network

_MEAN = (123.675, 116.28, 103.53)  # of the colours 0..255 that SAM was trained on
_DEVIATION = (58.395, 57.12, 57.375)


def as_photographs(slices: torch.Tensor, size: int) -> torch.Tensor:
    """Slices B x 1 x S x S in [0, 1] as SAM was trained on photographs: B x 3 x size x size, normalised by colour."""
    mean, deviation = (slices.new_tensor(values).view(3, 1, 1) / 255 for values in (_MEAN, _DEVIATION))
    enlarged = F.interpolate(slices, size=(size, size), mode="bilinear", align_corners=False)
    return (enlarged - mean) / deviation


class SamNetwork(nn.Module):
    """An image encoder with SAM's prompt encoder and mask decoder; parameters are named as in the published files.

    Parameters
    ----------
    image_encoder : nn.Module
        Gives its last map before the neck; has the ``neck``.
    prompt_encoder, mask_decoder : nn.Module
        SAM's.
    scale : float
        Pixels of the prompt encoder for one of the frame.
    """

    def __init__(self, image_encoder: Network, prompt_encoder: Network, mask_decoder: Network, scale: float) -> None:
        super().__init__()
        self.image_encoder, self.prompt_encoder, self.mask_decoder = image_encoder, prompt_encoder, mask_decoder
        self._scale = scale

    def masks(
        self, image: torch.Tensor, points: torch.Tensor | None = None, boxes: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """SAM's single mask for each prompt.

        Parameters
        ----------
        image : Tensor
            1 x C x h x w, from a neck; of any resolution.
        points, boxes : Tensor, optional
            n x 2 points inside, or n x 4 boxes, in pixels of the frame.

        Returns
        -------
        logits : Tensor
            n x (4 h) x (4 w).
        quality : Tensor
            n.
        """
        positions = None if points is None else (points[:, None] * self._scale, points.new_ones(len(points), 1))
        corners = None if boxes is None else boxes * self._scale
        sparse, _dense = self.prompt_encoder(points=positions, boxes=corners, masks=None)
        logits, quality = self.mask_decoder(
            image_embeddings=image,
            image_pe=self.prompt_encoder.pe_layer(image.shape[2:])[None],
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=self.prompt_encoder.no_mask_embed.weight[:, :, None, None],
            multimask_output=False,
        )
        return logits[:, 0], quality[:, 0]
