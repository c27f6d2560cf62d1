"""Losses over what is known alone: of slices by their tags, of pixels by pseudo-masks."""

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812

from WeakMedSAMLib.contract.labels.presence import PRESENT


def masked_entropy(logits: torch.Tensor, wanted: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of each logit, 0 where it is not counted.

    Parameters
    ----------
    logits : Tensor
        Of any shape.
    wanted : Tensor
        0 or 1, of that shape and type.
    counted : Tensor
        0 or 1, or bool, of that shape.
    """
    return F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * counted


def tag_entropy(logits: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of slice logits B x C x n, 0 where the tags B x C say nothing: B x C x n."""
    known = tags.ge(0)[..., None].expand_as(logits)
    return masked_entropy(logits, tags.eq(PRESENT).to(logits)[..., None].expand_as(logits), known)
