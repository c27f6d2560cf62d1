"""The published slice classifier: an encoder, pooling, and heads for classes and sub-classes.

Section III-A of WeakMedSAM (arXiv 2503.04106). Heads are 1 x 1 convolutions without bias on the encoder's last map, so
that their output cell by cell is the class activation map, and its mean over the cells the logit of the slice. The
paper's encoder is adapted along with them; on a frozen encoder the same heads are trained on cached features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from WeakMedSAMLib.engine.backbones.networks import Network
from WeakMedSAMLib.engine.base.precision import in_precision
from WeakMedSAMLib.engine.features.levels import CAM
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published.images import slice_images
from WeakMedSAMLib.engine.methods.published.settings import PublishedSettings
from WeakMedSAMLib.engine.parts.losses import tag_entropy
from WeakMedSAMLib.engine.parts.pooling import pool_cells

_HIDDEN = 128
_FURTHEST = 8.0  # deviations; few channels have outliers, and those are huge


class ClassHeads(nn.Module):
    """Cell logits of classes and sub-classes.

    Parameters
    ----------
    channels : int
        Of the encoder's last map.
    counts : sequence of int
        Sub-classes of each of C classes; the sub-class head has 1 + their sum outputs.
    kind : {"linear", "conv"}
        As published, or with a 3 x 3 convolution of 128 channels before the heads.
    """

    def __init__(self, channels: int, counts: Sequence[int], kind: str) -> None:
        super().__init__()
        self.before: nn.Module = nn.Identity()
        if kind == "conv":
            self.before = nn.Sequential(nn.Conv2d(channels, _HIDDEN, 3, padding=1), nn.ReLU())
        channels = _HIDDEN if kind == "conv" else channels
        self.primary = nn.Conv2d(channels, len(counts), 1, bias=False)
        self.secondary = nn.Conv2d(channels, 1 + sum(counts), 1, bias=False)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """B x channels x m x m to B x C x m x m and B x (1 + sum of K) x m x m."""
        features = self.before(features)
        return self.primary(features), self.secondary(features)


class StandardFeatures(nn.Module):
    """In place of an adapted encoder: cached features of a frozen one, every channel with mean 0 and deviation 1.

    Parameters
    ----------
    channels : int
        Of the level for class activation maps.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("deviation", torch.ones(channels, 1, 1))

    def measure(self, sums: torch.Tensor, squares: torch.Tensor, count: int) -> None:
        """Take mean and deviation from sums over `count` cells, each of `channels` values."""
        mean = sums / count
        deviation = (squares / count - mean**2).clamp_min(0).sqrt() + 1e-3
        self.mean.copy_(mean.view(-1, 1, 1))
        self.deviation.copy_(deviation.view(-1, 1, 1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """B x channels x m x m, as cached."""
        return ((features.float() - self.mean) / self.deviation).clamp(-_FURTHEST, _FURTHEST)

    def adapter_state(self) -> dict[str, torch.Tensor]:
        """Mean and deviation."""
        return {name: value.detach().cpu().clone() for name, value in self.state_dict().items()}

    def load_adapter_state(self, state: Mapping[str, torch.Tensor]) -> None:
        """Put mean and deviation back."""
        self.load_state_dict(state)


class AdaptedClassifier(nn.Module):
    """Encoder and heads.

    Parameters
    ----------
    encoder : nn.Module
        A backbone's adaptable encoder, or `StandardFeatures`.
    counts : sequence of int
        Sub-classes of each of C classes.
    settings : PublishedSettings
        ``head`` and ``pooling``.
    precision : torch.dtype
        Of the encoder: bfloat16 or float16 by autocast, or float32; weights and heads are float32.
    """

    def __init__(
        self, encoder: Network, counts: Sequence[int], settings: PublishedSettings, precision: torch.dtype
    ) -> None:
        super().__init__()
        self.encoder, self.counts, self.settings, self.precision = encoder, tuple(counts), settings, precision
        self.heads = ClassHeads(encoder.channels, counts, settings.head)

    @property
    def adapted(self) -> bool:
        """Whether images go in; else cached features."""
        return not isinstance(self.encoder, StandardFeatures)

    @property
    def device(self) -> torch.device:
        """Where the classifier computes."""
        return self.heads.primary.weight.device

    def inputs(self, volume: VolumeSlices, indices: np.ndarray) -> torch.Tensor:
        """What goes in for slices of a volume: images n x 1 x S x S in [0, 1], or cached features n x C' x m x m."""
        if self.adapted:
            return slice_images(volume, indices)
        return volume.features.levels[CAM].read(indices)

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs to cell logits of classes B x C x m x m and of sub-classes B x (1 + sum of K) x m x m, float32."""
        with in_precision(inputs.device, self.precision):
            features = self.encoder(inputs)
        return self.heads(features.float())

    def learned(self) -> dict[str, torch.Tensor]:
        """All that training has changed, by name, on the CPU."""
        heads = {f"heads.{name}": value.detach().cpu().clone() for name, value in self.heads.state_dict().items()}
        return heads | {f"encoder.{name}": value for name, value in self.encoder.adapter_state().items()}

    def load_learned(self, state: Mapping[str, torch.Tensor]) -> None:
        """Put back what `learned` gave."""
        parts: dict[str, dict[str, torch.Tensor]] = {"heads": {}, "encoder": {}}
        for key, value in state.items():
            part, _, name = key.partition(".")
            parts[part][name] = value
        self.heads.load_state_dict(parts["heads"])
        self.encoder.load_adapter_state(parts["encoder"])


def sum_losses(cells: torch.Tensor, tags: torch.Tensor, pooling: str) -> torch.Tensor:
    """Sum of binary cross-entropies of slices over the entries that carry a tag.

    Parameters
    ----------
    cells : Tensor
        Cell logits B x C x m x m.
    tags : Tensor
        B x C of PRESENT, ABSENT, UNTAGGED.
    pooling : str
        Kind of `pooling.pool_cells`; where it gives several logits, their losses are averaged.
    """
    return tag_entropy(pool_cells(cells, kind=pooling), tags).mean(-1).sum()
