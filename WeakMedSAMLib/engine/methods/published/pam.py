"""Stage of the published method: class activation maps to pseudo-masks by prompt affinity mining.

Section III-B of WeakMedSAM (arXiv 2503.04106), with every choice a parameter and the defects of its code
(utils/affinity.py and lab_gen.py of github.com/wanghr64/WeakMedSAM) switches: the map is walked along affinities of
prompted masks on a grid of 64 x 64 cells, smoothed by a Gaussian, gated and cut at a threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional as F  # noqa: N812

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.backbones.base import Backbone, PromptKind
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published.classifier import AdaptedClassifier
from WeakMedSAMLib.engine.methods.published.dense import dense_affinity, published_walk, row_stochastic_walk
from WeakMedSAMLib.engine.methods.published.images import slice_images
from WeakMedSAMLib.engine.methods.published.settings import Defect, PublishedSettings
from WeakMedSAMLib.engine.parts.affinity import (
    drop_border_pairs,
    random_walk,
    stencil_affinity,
    stretch_maps,
    transposed_walk,
)
from WeakMedSAMLib.engine.parts.maps import resize_maps, scale_to_peak
from WeakMedSAMLib.engine.parts.mining import (
    GRID,
    TARGET,
    Decoder,
    Encode,
    Mining,
    decode_prompts,
    draw_prompts,
    link_slices,
    place_prompts,
)
from WeakMedSAMLib.engine.parts.pooling import pool_cells
from WeakMedSAMLib.engine.parts.prompts import SlicePrompts
from WeakMedSAMLib.engine.parts.pseudo_masks import encode_probability

SIZE = 256  # pixels of a pseudo-mask, edge, as published


@dataclass(frozen=True)
class Agreeing:
    """The masks whose agreement is the affinity.

    Attributes
    ----------
    masks : Tensor
        P x Q x GRID x GRID.
    weights : Tensor
        P x Q.
    """

    masks: torch.Tensor
    weights: torch.Tensor

    @property
    def shares(self) -> torch.Tensor:
        """Weights that add up to one."""
        return self.weights / self.weights.sum(1, keepdim=True).clamp_min(1e-6)

    def of(self, rows: np.ndarray) -> Agreeing:
        """Those of some slices."""
        return Agreeing(self.masks[rows], self.weights[rows])


def mining_of(settings: PublishedSettings, backbone: Backbone) -> Mining:
    """Choices of prompt affinity mining; prompts "auto" are points where the backbone answers them.

    Raises
    ------
    UserError
        ``bad_setting``: neighbouring slices cannot be walked to with a defect that knows one slice only.
    """
    alone = [defect for defect in (Defect.DENSE_AFFINITY, Defect.TRANSPOSED_WALK) if settings.has(defect)]
    if alone and settings.pam_z:
        message = f"The setting pam_z cannot be {settings.pam_z:g} with the defect {alone[0].value}."
        raise UserError(
            "bad_setting",
            message,
            "Set pam_z to 0, or leave that defect out.",
            values={"name": "pam_z", "value": settings.pam_z},
        )
    auto = "points" if PromptKind.POINT in backbone.info.prompts else "boxes"
    return Mining(
        prompts=auto if settings.prompts == "auto" else settings.prompts,
        placing="corner" if settings.has(Defect.GRID_IN_CORNER) else settings.prompt_placing,
        grid=settings.grid,
        weighting=settings.mask_weighting,
        radius=settings.pam_radius,
        beta=settings.pam_beta,
        steps=settings.pam_steps,
        z=settings.pam_z,
    )


def decoder_of(
    volume: VolumeSlices, backbone: Backbone, settings: PublishedSettings, classifier: AdaptedClassifier
) -> Decoder:
    """The untouched encoder's features, computed once; or what the switches ADAPTED_MASKS, ENCODE_PER_PROMPT say."""
    each = settings.has(Defect.ENCODE_PER_PROMPT)
    if settings.has(Defect.ADAPTED_MASKS) and classifier.adapted:
        return Decoder(backbone, _adapted_encode(volume, backbone, classifier), each)
    if each:
        return Decoder(backbone, _fresh_encode(volume, backbone), each)
    return Decoder.on_features(volume.features.levels, backbone)


def _fresh_encode(volume: VolumeSlices, backbone: Backbone) -> Encode:
    def encode(indices: np.ndarray) -> torch.Tensor:
        return backbone.embed(slice_images(volume, indices))[backbone.info.decode_level]

    return encode


def _adapted_encode(volume: VolumeSlices, backbone: Backbone, classifier: AdaptedClassifier) -> Encode:
    @torch.no_grad()
    def encode(indices: np.ndarray) -> torch.Tensor:
        encoder = classifier.encoder.to(backbone.device).eval()
        return cast(torch.Tensor, encoder(slice_images(volume, indices).to(backbone.device)))

    return encode


def believed_tags(cells: np.ndarray, tags: np.ndarray, settings: PublishedSettings) -> np.ndarray:
    """What decides which slices get a mask: the tags S x C; with PREDICTED_GATE the classifier's word in their place.

    Parameters
    ----------
    cells : numpy.ndarray
        Cell logits S x C x m x m.
    tags : numpy.ndarray
        int8 S x C.
    """
    if not settings.has(Defect.PREDICTED_GATE):
        return tags
    logits = pool_cells(torch.from_numpy(cells), kind=settings.pooling).mean(-1).numpy()
    predicted = np.where(logits > 0, PRESENT, ABSENT).astype(tags.dtype)
    return np.where(tags == UNTAGGED, tags, predicted)


def volume_masks(
    volume: VolumeSlices, cells: np.ndarray, decoder: Decoder, settings: PublishedSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Pseudo-masks of one volume.

    Parameters
    ----------
    volume : VolumeSlices
        Tagged.
    cells : numpy.ndarray
        Cell logits S x C x m x m, the class activation maps.
    decoder : Decoder
        Draws prompted masks.
    settings : PublishedSettings
        The choices.

    Returns
    -------
    indices : numpy.ndarray
        n slices that show a class.
    probability : numpy.ndarray
        n x C x SIZE x SIZE, uint8 as in `pseudo_masks.PseudoMask`.

    Raises
    ------
    UserError
        ``bad_setting``, ``prompts_not_answered``.
    """
    belief = believed_tags(cells, volume.tags, settings)
    indices = np.flatnonzero((belief == PRESENT).any(1))
    found = np.zeros((len(indices), belief.shape[1], SIZE, SIZE), np.float32)
    placing = mining_of(settings, decoder.backbone).placing
    # Prompts on a grid are the same for every class.
    same = settings.pam_steps and placing != "map" and len(indices)
    drawn = draw_agreeing(None, indices, volume, decoder, settings) if same else None
    columns = range(1 if settings.has(Defect.FIRST_CLASS_ONLY) else belief.shape[1])
    for column in columns:
        rows = np.flatnonzero(belief[indices, column] == PRESENT)
        if len(rows):
            maps, mine = start_maps(cells[indices[rows], column], settings), indices[rows]
            own = drawn.of(rows) if drawn else None
            if settings.pam_steps and own is None:
                own = draw_agreeing(resize_maps(maps, TARGET), mine, volume, decoder, settings)
            found[rows, column] = refine_maps(maps, mine, own, decoder, settings)
    told = belief[indices]
    told[:, len(columns) :] = ABSENT  # what the published code never draws is background to it
    return indices, encode_probability(found, told)


def refine_maps(
    maps: torch.Tensor, indices: np.ndarray, drawn: Agreeing | None, decoder: Decoder, settings: PublishedSettings
) -> np.ndarray:
    """Maps P x GRID x GRID of one class on slices of one volume, refined: P x SIZE x SIZE in [0, 1].

    Without masks they are smoothed alone.
    """
    if drawn is not None:
        maps = _walk(maps, indices, drawn, decoder, settings)
    if not settings.has(Defect.TRANSPOSED_WALK):  # which has stretched them already
        maps = maps / maps.amax((1, 2), keepdim=True).clamp_min(1e-6)
    found = smooth_maps(_bilinear(maps, SIZE).numpy(), settings.blur)
    if settings.has(Defect.PEAK_BEFORE_BLUR):
        return found
    return found / np.maximum(found.max((1, 2), keepdims=True), 1e-6)


def start_maps(cells: np.ndarray, settings: PublishedSettings) -> torch.Tensor:
    """Maps to walk from, P x GRID x GRID: the positive part of cell logits P x m x m over the peak of its slice.

    With NO_RELU all of the logits, stretched to 0..1 after being enlarged to 256 pixels.
    """
    if settings.has(Defect.NO_RELU):
        return _bilinear(stretch_maps(_bilinear(torch.from_numpy(cells), SIZE)), GRID)
    return resize_maps(torch.from_numpy(scale_to_peak(cells)), GRID)


def smooth_maps(maps: np.ndarray, kernel: int) -> np.ndarray:
    """P x h x w maps under a Gaussian kernel of so many pixels, with the deviation that torchvision gives it."""
    if not kernel:
        return maps
    sigma = 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8
    return ndimage.gaussian_filter(maps, sigma, mode="mirror", radius=kernel // 2, axes=(1, 2))


def draw_agreeing(
    evidence: torch.Tensor | None,
    indices: np.ndarray,
    volume: VolumeSlices,
    decoder: Decoder,
    settings: PublishedSettings,
) -> Agreeing:
    """Prompted masks of P slices, or with SUMMED_LOGITS the sum of their logits as the only one.

    `evidence` is P x TARGET x TARGET; None where prompts lie on a grid.
    """
    mining = mining_of(settings, decoder.backbone)
    prompts = place_prompts(evidence, indices, decoder.backbone, mining, volume.features.image)
    if settings.has(Defect.SUMMED_LOGITS):
        return Agreeing(sum_logits(prompts, indices, decoder), torch.ones(len(indices), 1))
    prompted = draw_prompts(evidence, indices, prompts, decoder, mining.weighting)
    return Agreeing(resize_maps(prompted.masks, GRID), prompted.weights)


def _walk(
    maps: torch.Tensor, indices: np.ndarray, drawn: Agreeing, decoder: Decoder, settings: PublishedSettings
) -> torch.Tensor:
    """Maps P x GRID x GRID after the random walk."""
    mining = mining_of(settings, decoder.backbone)
    if settings.has(Defect.DENSE_AFFINITY):
        return _dense_walk(maps, drawn, mining, settings.has(Defect.TRANSPOSED_WALK))
    affinity = stencil_affinity(drawn.masks, drawn.weights, mining.radius, mining.beta)
    if settings.has(Defect.TRANSPOSED_WALK):
        return transposed_walk(maps, drop_border_pairs(affinity, mining.radius), mining.radius, mining.steps)
    vote = torch.einsum("pqhw,pq->phw", drawn.masks, drawn.shares)
    return random_walk(maps, affinity, mining.radius, mining.steps, *link_slices(vote, indices, mining))


def sum_logits(prompts: SlicePrompts, indices: np.ndarray, decoder: Decoder) -> torch.Tensor:
    """The logits of all masks of each of P slices added up, P x 1 x GRID x GRID, every fourth pixel as published."""
    total = torch.zeros(len(indices), 1, GRID, GRID)
    for part, logits, _ in decode_prompts(prompts, indices, decoder):
        total.index_add_(0, part.rows, F.interpolate(logits[:, None].float(), size=(GRID, GRID)))
    return total


def _dense_walk(maps: torch.Tensor, drawn: Agreeing, mining: Mining, transposed: bool) -> torch.Tensor:
    """The walk slice by slice with a dense matrix of 64 MiB."""
    walk = published_walk if transposed else row_stochastic_walk
    walked = [
        walk(start, dense_affinity(mask, share, mining.radius, mining.beta, not transposed), mining.steps)
        for start, mask, share in zip(maps, drawn.masks, drawn.shares, strict=True)
    ]
    return torch.stack(walked)


def _bilinear(maps: torch.Tensor, size: int) -> torch.Tensor:
    return F.interpolate(maps[:, None], size=(size, size), mode="bilinear", align_corners=False)[:, 0]
