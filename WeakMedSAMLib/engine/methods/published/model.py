"""What the published method leaves behind: a segmentation network that needs nothing but images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.engine.features.preprocess import Intensity
from WeakMedSAMLib.engine.methods.published.settings import PublishedSettings
from WeakMedSAMLib.engine.methods.published.unet import build_network
from WeakMedSAMLib.engine.parts.model_files import known_axis, optional_text

_PART = "network."


@dataclass(frozen=True)
class PublishedModel:
    """All that is needed to segment a volume without tags.

    Attributes
    ----------
    classes : ClassTable
        What it segments.
    backbone, weights_sha256 : str
        The backbone, and the weights, by which its pseudo-masks were made; not needed to apply it.
    settings : PublishedSettings
        It was trained with.
    patients : int
        Patients that it learned from.
    frame_size : int
        Edge in pixels of the frame that slices are placed in.
    window : Intensity or None
        Range of grey values that all volumes shared that it learned from.
    network : nn.Module
        From `unet.build_network`.
    axis : str or None
        Slice axis that it learned along; None where that is not known, or was not the same for all.
    """

    classes: ClassTable
    backbone: str
    weights_sha256: str | None
    settings: PublishedSettings
    patients: int
    frame_size: int
    window: Intensity | None
    network: nn.Module
    axis: str | None = None

    def tensors(self) -> dict[str, torch.Tensor]:
        """All weights by name."""
        return {f"{_PART}{name}": tensor for name, tensor in self.network.state_dict().items()}

    def description(self) -> dict[str, Any]:
        """Everything else, as plain JSON values."""
        return {
            "method": "published",
            "classes": self.classes.to_json(),
            "backbone": self.backbone,
            "weights_sha256": self.weights_sha256,
            "settings": {**asdict(self.settings), "defects": [defect.value for defect in self.settings.defects]},
            "patients": self.patients,
            "frame_size": self.frame_size,
            "window": self.window and self.window.to_json(),
            "axis": self.axis,
        }

    @classmethod
    def rebuilt(cls, about: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> PublishedModel:
        """The model that `description` and `tensors` tell of; raises where they do not fit."""
        classes = ClassTable.from_json(about["classes"])
        settings = PublishedSettings(**about["settings"])
        size = int(about["frame_size"])
        if not 0 < size <= 4096:
            raise ValueError(f"a frame of {size} pixels is none")
        # Without memory until the file's own tensors take their places: a description may claim any width.
        with torch.device("meta"):
            network = build_network(settings, len(classes))
        network.load_state_dict({name.removeprefix(_PART): t for name, t in tensors.items()}, assign=True)
        return cls(
            classes=classes,
            backbone=str(about["backbone"]),
            weights_sha256=optional_text(about["weights_sha256"]),
            settings=settings,
            patients=int(about["patients"]),
            frame_size=size,
            window=Intensity.from_json(window) if (window := about["window"]) else None,
            network=network.eval(),
            axis=known_axis(about),
        )
