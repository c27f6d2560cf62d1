"""A backbone of a few fixed filters, which costs next to nothing: what is left of a run's time is the method's own."""

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812

from WeakMedSAMLib.engine.backbones.base import BackboneInfo, LevelInfo, PreparedSlices, PromptKind, WeightsInfo

NAME = "filters"
_SIZE = 64
_WEIGHTS = WeightsInfo("", None, "0" * 64, "none", "none", "none: fixed filters", backbone=NAME)


class FilterBackbone:
    """Grey value, blurs and edges at 64 x 64, and a box prompt that keeps what is bright in the box.

    What preset ``fast`` asks of a backbone, and no more: nothing of it can be trained. It is in no list of backbones.
    """

    info = BackboneInfo(
        name=NAME,
        input_size=_SIZE,
        levels={"fine": LevelInfo(6, 64)},
        cam_level="fine",
        cam_cells=32,
        decode_level="fine",
        prompts=frozenset({PromptKind.BOX}),
        weights=_WEIGHTS,
    )
    batch_size = 8
    bright = 0.6  # blurred grey value from which a pixel in a box is of the mask
    dtype = torch.float32
    device = torch.device("cpu")

    def to(self, device: torch.device, dtype: torch.dtype) -> FilterBackbone:
        """Move to a device; filters stay as precise as they are."""
        self.device = device
        return self

    def embed(self, slices: torch.Tensor) -> dict[str, torch.Tensor]:
        """Features by level."""
        blurred, wide = F.avg_pool2d(slices, 5, 1, 2), F.avg_pool2d(slices, 13, 1, 6)
        down, right = slices - slices.roll(2, 2), slices - slices.roll(2, 3)
        fine = torch.cat([slices, blurred, wide, slices - wide, down, right], 1)
        return {"fine": fine.half()}

    def prepare(self, features: torch.Tensor) -> PreparedSlices:
        """Slices as they are: here nothing is made of them."""
        return PreparedSlices(features)

    def decode(
        self,
        features: torch.Tensor | PreparedSlices,
        boxes: torch.Tensor,
        rows: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks of what is bright in each box."""
        image = (features.images if isinstance(features, PreparedSlices) else features).float()[:, 1]
        image = image if rows is None else image[rows]
        grid = torch.arange(_SIZE, device=boxes.device)
        x0, y0, x1, y1 = (side[:, None] for side in boxes.T)
        down, across = (grid >= y0) & (grid <= y1), (grid >= x0) & (grid <= x1)
        inside = down[:, :, None] & across[:, None, :]
        logits = torch.where(inside, 8 * (image - self.bright), torch.full_like(image, -8.0))
        return logits, boxes.new_full((len(boxes),), 0.8)
