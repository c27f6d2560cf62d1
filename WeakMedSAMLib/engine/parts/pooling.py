"""Multiple-instance pooling: from the logits of cells to those of their slice."""

from __future__ import annotations

import torch

POOLED_SHARES = (0.01, 0.03, 0.08)
SHARPNESS = 5.0  # of log-sum-exp: 0 would be the mean, infinity the maximum


def pool_cells(cells: torch.Tensor, guide: torch.Tensor | None = None, kind: str = "top-k") -> torch.Tensor:
    """Slice logits of cell logits B x C x m x m: B x C x n.

    Parameters
    ----------
    cells : Tensor
        B x C x m x m.
    guide : Tensor, optional
        Of that shape: where to look, in deviations.
    kind : str
        ``"top-k"``: means over the best 1, 3 and 8 % of the cells (n = 3); best is by logit in deviations plus guide.
        ``"average"``: mean over all cells (n = 1), as published; the guide has no say.
        ``"log-sum-exp"``: 1/r log mean exp(r x) with r = 5 (n = 1; Pinheiro and Collobert, CVPR 2015, equation 3), the
        mean weighted by the softmax of the guide.
    """
    if kind == "average":
        return cells.mean((2, 3))[..., None]
    if kind == "log-sum-exp":
        return _pool_softly(cells.flatten(2), guide)[..., None]
    return _pool_best(cells.flatten(2), guide)


def _pool_softly(flat: torch.Tensor, guide: torch.Tensor | None) -> torch.Tensor:
    weight = torch.zeros_like(flat) if guide is None else guide.flatten(2)
    return (SHARPNESS * flat + weight.log_softmax(2)).logsumexp(2) / SHARPNESS


def _pool_best(flat: torch.Tensor, guide: torch.Tensor | None) -> torch.Tensor:
    sizes = [max(1, round(share * flat.shape[-1])) for share in POOLED_SHARES]
    rank = flat.detach()
    if guide is not None:
        rank = rank / (rank.std() + 1e-3) + guide.flatten(2)
    best = flat.gather(2, rank.topk(max(sizes), 2).indices)
    return torch.stack([best[..., :size].mean(-1) for size in sizes], -1)
