"""What the published method leaves behind: a segmentation network that needs nothing but images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from WeakMedSAMLib.engine.methods.published.settings import NAME, PublishedSettings
from WeakMedSAMLib.engine.methods.published.unet import build_network
from WeakMedSAMLib.engine.parts.model_files import TrainedModel, read_common

_PART = "network."
_LARGEST_FRAME = 4096


@dataclass(frozen=True, kw_only=True)
class PublishedModel(TrainedModel):
    """All that is needed to segment a volume without tags; common attributes as in `TrainedModel`.

    The backbone is that by which its pseudo-masks were made; it is not needed to apply the model.

    Attributes
    ----------
    settings : PublishedSettings
        It was trained with.
    frame_size : int
        Edge in pixels of the frame that slices are placed in.
    network : nn.Module
        From `unet.build_network`.
    """

    method: ClassVar[str] = NAME
    reads_features: ClassVar[bool] = False

    settings: PublishedSettings
    frame_size: int
    network: nn.Module

    def tensors(self) -> dict[str, torch.Tensor]:
        """All weights by name."""
        return {f"{_PART}{name}": tensor for name, tensor in self.network.state_dict().items()}

    def describe(self) -> dict[str, Any]:
        """Everything else, as plain JSON values."""
        about = super().describe()
        about["settings"]["defects"] = [defect.value for defect in self.settings.defects]
        return {**about, "frame_size": self.frame_size}

    @classmethod
    def build(cls, about: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> PublishedModel:
        """The model that `describe` and `tensors` tell of; raises where they do not fit."""
        common, settings = read_common(about), PublishedSettings(**about["settings"])
        size = int(about["frame_size"])
        if not 0 < size <= _LARGEST_FRAME:
            raise ValueError(f"a frame of {size} pixels is none")
        # Without memory until the file's own tensors take their places: a description may claim any width.
        with torch.device("meta"):
            network = build_network(settings, len(common["classes"]))
        network.load_state_dict({name.removeprefix(_PART): t for name, t in tensors.items()}, assign=True)
        return cls(**common, settings=settings, frame_size=size, network=network.eval())
