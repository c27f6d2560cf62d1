"""What the backbones made of one frozen network have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from WeakMedSAMLib.engine.backbones.base import PreparedSlices


class FrozenBackbone(ABC):
    """The parts of the ``Backbone`` protocol that do not depend on the network.

    A backbone of this kind sets ``_device`` and ``_dtype``, and draws boxes and points in one way.
    """

    _device: torch.device
    _dtype: torch.dtype

    @property
    def device(self) -> torch.device:
        """Where the backbone computes."""
        return self._device

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the encoder."""
        return self._dtype

    def decode(
        self, features: torch.Tensor | PreparedSlices, boxes: torch.Tensor, rows: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks for box prompts; see ``Backbone.decode``.

        Any number of boxes may be given; memory beyond the result is that of a few slices.
        """
        return self._decode(features, boxes, rows)

    def decode_points(
        self, features: torch.Tensor | PreparedSlices, points: torch.Tensor, rows: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks for one point each; see ``Backbone.decode_points``."""
        return self._decode(features, points, rows)

    @abstractmethod
    def _decode(
        self, features: torch.Tensor | PreparedSlices, prompts: torch.Tensor, rows: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks for boxes N x 4 or points N x 2."""
