"""What training leaves behind: projection, classifier and segmentation network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from WeakMedSAMLib.engine.base.setting_checks import override
from WeakMedSAMLib.engine.methods.fast.projection import Projection
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter, may_mirror
from WeakMedSAMLib.engine.methods.fast.settings import FAST, NAME, FastSettings
from WeakMedSAMLib.engine.parts.model_files import TrainedModel, read_common


@dataclass(frozen=True, kw_only=True)
class FastModel(TrainedModel):
    """All that is needed to segment a volume without tags; common attributes as in `TrainedModel`.

    Attributes
    ----------
    settings : FastSettings
        It was trained with.
    counts : tuple of int
        Sub-classes of each class.
    projection : Projection
    classifier : SliceClassifier
    segmenter : Segmenter
    taught : tuple of int
        Columns of the classes of which boxes or points said what is meant.
    """

    method: ClassVar[str] = NAME
    reads_features: ClassVar[bool] = True

    settings: FastSettings
    counts: tuple[int, ...]
    projection: Projection
    classifier: SliceClassifier
    segmenter: Segmenter
    taught: tuple[int, ...] = ()

    def tensors(self) -> dict[str, torch.Tensor]:
        """All that training has made, by part and name."""
        parts: dict[str, Mapping[str, torch.Tensor]] = {
            "projection": vars(self.projection),
            "classifier": self.classifier.state_dict(),
            "segmenter": self.segmenter.state_dict(),
        }
        return {f"{part}.{name}": tensor for part, all_ in parts.items() for name, tensor in all_.items()}

    def describe(self) -> dict[str, Any]:
        """Everything else, as plain JSON values."""
        own = {"sub_classes": list(self.counts), "levels": self.segmenter.channels, "taught": list(self.taught)}
        return {**super().describe(), **own}

    @classmethod
    def build(cls, about: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> FastModel:
        """The model that `describe` and `tensors` tell of; raises where they do not fit."""
        parts: dict[str, dict[str, torch.Tensor]] = {"projection": {}, "classifier": {}, "segmenter": {}}
        for key, tensor in tensors.items():
            part, _, name = key.partition(".")
            parts[part][name] = tensor
        _require_projection(parts["projection"])
        common, counts = read_common(about), tuple(int(count) for count in about["sub_classes"])
        if len(common["classes"]) != len(counts):
            raise ValueError(f"it has weights of {len(counts)} classes, and names of {len(common['classes'])}")
        projection = Projection(**parts["projection"])
        # Without memory until the file's own tensors take their places: a description may claim any number of channels.
        with torch.device("meta"):
            classifier = SliceClassifier(projection.components.shape[1], counts)
            segmenter = Segmenter(about["levels"], len(counts), mirrors=may_mirror(common["classes"]))
        classifier.load_state_dict(parts["classifier"], assign=True)
        segmenter.load_state_dict(parts["segmenter"], assign=True)
        segmenter.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as it was built
        return cls(
            **common,
            settings=override(FAST, about["settings"]),
            counts=counts,
            projection=projection,
            classifier=classifier.eval(),
            segmenter=segmenter.eval(),
            taught=tuple(int(column) for column in about.get("taught", ())),
        )


def _require_projection(tensors: Mapping[str, torch.Tensor]) -> None:
    """Means and deviations of C channels, all deviations positive, and C x D components."""
    channels = tensors["components"].shape[0]
    if any(tensors[name].shape != (channels,) for name in ("mean", "std", "centre")) or not (tensors["std"] > 0).all():
        raise ValueError("its projection does not fit together")
