"""As many slices through the encoder at once as the memory of the device allows."""

from __future__ import annotations

import torch

from WeakMedSAMLib.contract.counting import counted
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.memory import is_gpu_out_of_memory


class SliceBatch:
    """Encodes slices of a volume, batch by batch: one too large is halved once.

    Parameters
    ----------
    backbone : Backbone
    size : int
        Slices at once.

    Attributes
    ----------
    size : int
        Slices at once by now.
    """

    def __init__(self, backbone: Backbone, size: int) -> None:
        self.size, self._backbone, self._halved = size, backbone, False

    def embed(self, images: torch.Tensor) -> dict[str, torch.Tensor] | None:
        """Features of B x 1 x size x size images; None if the memory did not suffice and there is a smaller `size` now.

        Raises
        ------
        UserError
            ``gpu_out_of_memory``.
        """
        try:
            return self._backbone.embed(images)
        except RuntimeError as error:
            if not is_gpu_out_of_memory(error):
                raise
            if self._halved or self.size == 1:
                raise _out_of_memory(self.size, self._backbone) from error
            self.size, self._halved = self.size // 2, True
            torch.cuda.empty_cache()
            return None


def _out_of_memory(batch: int, backbone: Backbone) -> UserError:
    return UserError(
        "gpu_out_of_memory",
        f"The memory of {backbone.device} does not suffice for {counted(batch, 'slice')} at once.",
        "Close other programs that use the GPU, or run with --device cpu.",
    )
