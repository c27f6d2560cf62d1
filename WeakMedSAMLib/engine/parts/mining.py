"""Prompt affinity mining: prompts where the choices want them, and what a backbone draws for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from WeakMedSAMLib.engine.backbones.base import Backbone, PromptKind
from WeakMedSAMLib.engine.features.levels import Level
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.prompts import SlicePrompts, corner_prompts, grid_prompts, map_prompts, prompt_kind

GRID = 64  # cells of the walk, edge
TARGET = 128  # pixels of a pseudo-mask, edge
_SLICES_AT_ONCE = 16
_SAME_MASK = 0.9  # Dice from which two masks are one
_STABILITY = 1.0  # logits above and below 0 between which a stable mask hardly changes (as in Segment Anything)

Encode = Callable[[np.ndarray], torch.Tensor]


@dataclass(frozen=True)
class Mining:
    """The choices of prompt affinity mining, section III-B of WeakMedSAM (arXiv 2503.04106).

    Attributes
    ----------
    prompts : str
        ``"boxes"``, ``"points"`` or ``"auto"``.
    placing : str
        ``"map"``, ``"grid"``, or ``"corner"`` for the grid that the published code lays by mistake.
    grid : int
        Prompts along each edge of a grid.
    weighting : str
        ``"quality-fit"`` by predicted IoU and fit to the map, ``"quality"`` by predicted IoU and stability, each mask
        once, or ``"equal"``.
    radius : int
        Radius of the affinity stencil in cells of the GRID x GRID walk grid.
    beta : float
        Sharpness of the affinity.
    steps : int
        Steps of the random walk.
    z : float
        Weight of each neighbouring slice in the walk, relative to a perfectly similar in-plane neighbour.
    """

    prompts: str
    placing: str
    grid: int
    weighting: str
    radius: int
    beta: float
    steps: int
    z: float


@dataclass(frozen=True)
class Decoder:
    """Who draws prompted masks, and on whose features.

    Attributes
    ----------
    backbone : Backbone
        Decodes.
    encode : callable
        Gives the decode level of slices of the volume by their indices.
    each : bool
        Ask `encode` anew for every prompt of a slice, as the published code does.
    """

    backbone: Backbone
    encode: Encode
    each: bool = False

    @classmethod
    def on_features(cls, levels: Mapping[str, Level], backbone: Backbone) -> Decoder:
        """On the levels of a volume that was encoded before."""
        return cls(backbone, levels[backbone.info.decode_level].read)


@dataclass(frozen=True)
class PromptedMasks:
    """Masks that a backbone drew for P slices, Q at most on each.

    Attributes
    ----------
    masks : Tensor
        P x Q x TARGET x TARGET, float32 probabilities; 0 where a slice has fewer than Q.
    weights : Tensor
        P x Q, float32; 0 where a slice has fewer than Q.
    """

    masks: torch.Tensor
    weights: torch.Tensor

    @property
    def vote(self) -> torch.Tensor:
        """Weighted mean of the masks: P x TARGET x TARGET."""
        share = self.weights / self.weights.sum(1, keepdim=True).clamp_min(1e-6)
        return torch.einsum("pqhw,pq->phw", self.masks, share)


def place_prompts(
    evidence: torch.Tensor | None,
    indices: np.ndarray,
    backbone: Backbone,
    mining: Mining,
    images: np.ndarray | None = None,
) -> SlicePrompts:
    """Prompts for P slices, where the choices want them.

    Parameters
    ----------
    evidence : Tensor or None
        P x h x w in [0, 1]; read where prompts follow the map only.
    indices, images
        P slice indices, and the images of the whole volume, S x size x size, uint8; for prompts on a grid only.

    Raises
    ------
    UserError
        ``prompts_not_answered``.
    """
    kind = prompt_kind(mining.prompts, backbone)
    if mining.placing == "corner":
        return corner_prompts(kind, len(indices), mining.grid)
    if mining.placing == "grid":
        if images is None:
            raise ValueError("prompts on a grid need the images of the slices")
        return grid_prompts(kind, images[indices], mining.grid)
    if evidence is None:
        raise ValueError("prompts that follow the map need the map")
    return map_prompts(kind, evidence.numpy(), backbone.info.input_size)


def draw_prompts(
    evidence: torch.Tensor | None, indices: np.ndarray, prompts: SlicePrompts, decoder: Decoder, weighting: str
) -> PromptedMasks:
    """Prompt the backbone, and weigh its masks.

    Parameters
    ----------
    evidence : Tensor or None
        P x TARGET x TARGET in [0, 1]; read for the weighting ``"quality-fit"`` only.
    indices : numpy.ndarray
        P slice indices.
    prompts, decoder
        As for `decode_prompts`.
    weighting : str
        ``"quality-fit"``, ``"quality"`` or ``"equal"``.
    """
    masks = torch.zeros(len(indices), prompts.most, TARGET, TARGET)
    weights = torch.zeros(len(indices), prompts.most)
    for part, logits, quality in decode_prompts(prompts, indices, decoder):
        drawn = resize_maps(logits.sigmoid(), TARGET)
        masks[part.rows, part.slots] = drawn
        fit = _soft_dice(drawn, evidence[part.rows]) if evidence is not None and weighting == "quality-fit" else None
        weights[part.rows, part.slots] = _weights(weighting, logits, quality, fit)
    if weighting == "quality":
        weights = _count_each_once(resize_maps(masks, GRID), weights)
    return PromptedMasks(masks, weights)


def decode_prompts(
    prompts: SlicePrompts, indices: np.ndarray, decoder: Decoder
) -> Iterator[tuple[SlicePrompts, torch.Tensor, torch.Tensor]]:
    """Decode prompts, some slices at a time.

    Parameters
    ----------
    prompts : SlicePrompts
        Of P slices, at least one on each.
    indices : numpy.ndarray
        Their P slice indices.
    decoder : Decoder
        Of the volume.

    Yields
    ------
    prompts : SlicePrompts
        n of them.
    logits, quality : Tensor
        n x size x size, and n: as `Backbone.decode` gives them, on the CPU.
    """
    backbone = decoder.backbone
    decode = backbone.decode if prompts.kind is PromptKind.BOX else backbone.decode_points
    for start in range(0, len(indices), _SLICES_AT_ONCE):
        stop = min(start + _SLICES_AT_ONCE, len(indices))
        mine = prompts.part((prompts.rows >= start) & (prompts.rows < stop))
        parts = [mine.part(mine.slots == slot) for slot in range(mine.most)] if decoder.each else [mine]
        for part in parts:
            if not len(part.rows):
                continue
            logits, quality = decode(decoder.encode(indices[start:stop]), part.coordinates, part.rows - start)
            yield part, logits.cpu(), quality.cpu()


def _weights(weighting: str, logits: torch.Tensor, quality: torch.Tensor, fit: torch.Tensor | None) -> torch.Tensor:
    """How much each of N masks counts."""
    if weighting == "equal":
        return torch.ones(len(logits))
    predicted = quality.clamp(0.05, 1.0)
    return predicted * (_stability(logits) if fit is None else fit.square())


def _stability(logits: torch.Tensor) -> torch.Tensor:
    """Intersection over union of N masks cut a little above and a little below 0."""
    inner, outer = ((logits > level).sum((1, 2)) for level in (_STABILITY, -_STABILITY))
    return inner / outer.clamp_min(1)


def _count_each_once(masks: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """P x Q weights with that of every mask set to 0 that nearly repeats a heavier one of its slice."""
    flat = masks.flatten(2)
    common = flat @ flat.transpose(1, 2)
    own = flat.square().sum(2)
    same = 2 * common / (own[:, :, None] + own[:, None, :]).clamp_min(1e-6) > _SAME_MASK
    kept = weights.clone()
    for row, order in enumerate(weights.argsort(dim=1, descending=True, stable=True)):
        for rank, slot in enumerate(order):
            repeated = [earlier for earlier in order[:rank] if kept[row, earlier] > 0 and same[row, slot, earlier]]
            if repeated:
                kept[row, slot] = 0
    return kept


def link_slices(vote: torch.Tensor, indices: np.ndarray, mining: Mining) -> tuple[torch.Tensor, torch.Tensor]:
    """Affinity of P x h x w cells with the slice before and after, by how far off those are and whether masks agree."""
    gap = torch.from_numpy(np.diff(indices)).float()
    alike = mining.z * (-mining.beta * (vote[1:] - vote[:-1]).abs()).exp() / gap[:, None, None]
    nothing = torch.zeros_like(vote[:1])
    return torch.cat([nothing, alike]), torch.cat([alike, nothing])


def _soft_dice(masks: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Dice of N probability masks with N maps cut at half their peak."""
    target = (maps >= 0.5).float()
    return 2 * (masks * target).sum((1, 2)) / (masks.sum((1, 2)) + target.sum((1, 2))).clamp_min(1)
