"""Masks of prompts as the published code draws them, for comparison: a slice is encoded for every prompt.

Affinity and walk of that code are in ``published/dense.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from WeakMedSAMLib.engine.backbones.base import Backbone

Encoder = Callable[[torch.Tensor], dict[str, torch.Tensor]]


def logits_by_prompt(
    backbone: Backbone, encode: Encoder, images: torch.Tensor, boxes: torch.Tensor
) -> Iterator[torch.Tensor]:
    """Encode all slices anew for each prompt, and draw that prompt's masks.

    Parameters
    ----------
    backbone : Backbone
        Answers boxes.
    encode : callable
        The backbone's ``embed`` or ``eager_embed``.
    images : Tensor
        B x 1 x size x size in [0, 1].
    boxes : Tensor
        B x Q x 4, pixels of the input frame.

    Yields
    ------
    Tensor
        B x size x size logits, Q times.
    """
    for prompt in range(boxes.shape[1]):
        features = encode(images)[backbone.info.decode_level]
        yield backbone.decode(features, boxes[:, prompt])[0]
