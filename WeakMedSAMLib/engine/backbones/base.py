"""What the method asks of a backbone, one small protocol, and what is known of one before it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch

    from WeakMedSAMLib.engine.backbones.adaptable import AdaptableEncoder, PromptableNetwork


class PromptKind(str, Enum):
    """Kinds of prompts that a mask decoder can be asked with."""

    POINT = "point"
    BOX = "box"


@dataclass(frozen=True)
class LevelInfo:
    """One level of features: ``channels`` x ``size`` x ``size`` a slice."""

    channels: int
    size: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows, columns."""
        return (self.channels, self.size, self.size)


@dataclass(frozen=True)
class WeightsInfo:
    """What is known of the weights of a backbone before they are there.

    Attributes
    ----------
    file : str
        Name of the published file; several backbones may share one.
    size, sha256 : int, str, or None
        Of the file; None where they were not published.
    source, licence, pretraining : str
        In words.
    package, resource : str
        Package that holds the file, and its place there; empty if there is none.
    url : str
        Where ``weakmedsam weights download`` gets the file, or a zip archive with it; empty if nowhere.
    backbone : str
        Name in the registry, which fills it in.
    """

    file: str
    size: int | None
    sha256: str | None
    source: str
    licence: str
    pretraining: str
    package: str = ""
    resource: str = ""
    url: str = ""
    backbone: str = ""

    @property
    def size_in_words(self) -> str:
        """Such as ``375.0 MB``."""
        return "size not published" if self.size is None else f"{self.size / 1e6:.1f} MB"


@dataclass(frozen=True)
class BackboneInfo:
    """What is known of a backbone without computing anything.

    Parameters
    ----------
    name : str
        Name in the registry.
    input_size : int
        Edge of the square input frame in pixels; masks come back at the same size.
    levels : dict
        Feature levels that ``embed`` gives, by name.
    cam_level : str
        The level on which class activation maps work best, averaged over a coarser grid.
    cam_cells : int
        Cells along each edge of that grid.
    decode_level : str
        The level that ``decode`` needs.
    prompts : frozenset of PromptKind
        The prompts that the decoder answers well.
    weights : WeightsInfo
        File, hash, licence and pre-training of the weights.
    version : int
        Raised whenever the features change for the same weights; part of the key of cached features.
    """

    name: str
    input_size: int
    levels: Mapping[str, LevelInfo]
    cam_level: str
    cam_cells: int
    decode_level: str
    prompts: frozenset[PromptKind]
    weights: WeightsInfo
    version: int = 1

    @property
    def cam(self) -> LevelInfo:
        """The CAM level, averaged."""
        return LevelInfo(self.levels[self.cam_level].channels, self.cam_cells)

    @property
    def licence(self) -> str:
        """Licence of the weights."""
        return self.weights.licence

    @property
    def pretraining(self) -> str:
        """What the weights were trained on before; to be said beside every result."""
        return self.weights.pretraining


@dataclass(frozen=True, eq=False)
class PreparedSlices:
    """Slices as a mask decoder takes them, whatever it makes of their features before it looks at prompts.

    Attributes
    ----------
    images : Tensor
        B x ...; of which shape is the backbone's own affair.
    """

    images: torch.Tensor


class Backbone(Protocol):
    """A frozen image encoder and a promptable mask decoder.

    All images are B x 1 x size x size, float, in [0, 1], in the backbone's input frame (see ``preprocess.Frame``).
    """

    info: BackboneInfo

    @property
    def device(self) -> torch.device:
        """Where the backbone computes."""

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the encoder."""

    @property
    def batch_size(self) -> int:
        """Slices a batch that suit the device."""

    def to(self, device: torch.device, dtype: torch.dtype) -> Backbone:
        """Move to a device and set the encoder's precision; returns itself."""

    def embed(self, slices: torch.Tensor) -> dict[str, torch.Tensor]:
        """Features by level, each B x C x h x w, float16, on the backbone's device."""

    def eager_embed(self, slices: torch.Tensor) -> dict[str, torch.Tensor]:
        """Same as :meth:`embed` by the published network as it stands; for comparison of speed and values."""

    def prepare(self, features: torch.Tensor) -> PreparedSlices:
        """Slices, as their ``decode_level`` B x C x h x w, for many calls of :meth:`decode`."""

    def decode(
        self,
        features: torch.Tensor | PreparedSlices,
        boxes: torch.Tensor,
        rows: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks for box prompts.

        Parameters
        ----------
        features : Tensor or PreparedSlices
            The ``decode_level`` of B slices, B x C x h x w, or what :meth:`prepare` made of it.
        boxes : Tensor
            N x 4: x0, y0, x1, y1 in pixels of the input frame.
        rows : Tensor, optional
            N indices into the B slices, one a box. Left out, box n belongs to slice n (N = B).

        Returns
        -------
        logits : Tensor
            N x size x size, float32; the mask is where it is above 0.
        quality : Tensor
            N, float32; the intersection over union that the decoder predicts for its mask.
        """

    def decode_points(
        self,
        features: torch.Tensor | PreparedSlices,
        points: torch.Tensor,
        rows: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks for prompts of one point inside each; every backbone can, `info.prompts` says which answer well.

        Parameters
        ----------
        features, rows
            As for :meth:`decode`.
        points : Tensor
            N x 2: x, y in pixels of the input frame.

        Returns
        -------
        logits, quality : Tensor
            As of :meth:`decode`.
        """

    def adaptable_encoder(self) -> AdaptableEncoder:
        """A trainable copy of the image encoder, in float32, on this device; the backbone itself stays as it is."""

    def promptable_network(self) -> PromptableNetwork:
        """A trainable copy of adaptable encoder and mask decoder together, for tuning from masks."""
