"""Stage: a small segmentation network on frozen features, trained on pseudo-masks.

It sees all slices of all patients at once, so that what the pseudo-masks get right again and again outweighs what they
get wrong here and there. Uncertain pixels of a pseudo-mask are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from WeakMedSAMLib.contract.events import Progress
from WeakMedSAMLib.contract.labels.presence import ABSENT
from WeakMedSAMLib.contract.stages import SEGMENTER as STAGE
from WeakMedSAMLib.contract.stages import round_steps
from WeakMedSAMLib.engine.base.precision import in_precision, network_dtype
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.features.levels import Level
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.group_norm import GroupNorm
from WeakMedSAMLib.engine.methods.fast.known import with_known
from WeakMedSAMLib.engine.parts.losses import masked_entropy
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.pseudo_masks import IGNORED, PseudoMask, targets_of

# Raised whenever the same input gives another network, by `refine`, `self_training`, the parts `pseudo_masks` and
# `losses`, or here: part of the key of this stage.
VERSION = 6

_CHANNELS = 48
_IMAGE_CHANNELS = 16
_POSITIVE, _NEGATIVE = 5, 3  # slices of a batch
_LEARNING_RATE = 2e-3
_WEIGHT_DECAY = 1e-2
_SAMPLED_SLICES = 64
_SLICES_AT_ONCE = 8

# The levels of a volume, and the index of one of its slices.
SliceOfLevels = tuple[Mapping[str, Level], int]


class Segmenter(nn.Module):
    """Convolutions on feature levels at 64 x 64, then on them and the image at 128 x 128.

    Parameters
    ----------
    channels : mapping
        Level name -> channels; all levels of one size.
    classes : int
        C.
    placed : bool
        Whether it sees where in the body each pixel lies. One that does not learns and looks at slices mirrored left to
        right, too, so that it cannot tell sides apart.
    """

    def __init__(self, channels: Mapping[str, int], classes: int, placed: bool = True) -> None:
        super().__init__()
        self.placed = placed
        self.levels, self.channels, self.classes = tuple(channels), dict(channels), classes
        for name, count in channels.items():
            self.register_buffer(f"mean_{name}", torch.zeros(count, 1, 1))
            self.register_buffer(f"scale_{name}", torch.ones(count, 1, 1))
        self.project = nn.ModuleDict({name: nn.Conv2d(count, _CHANNELS, 1) for name, count in channels.items()})
        half = _CHANNELS // 2
        # Narrowed before it is upsampled: the 128 x 128 layers take most of the time.
        self.coarse = nn.Sequential(
            GroupNorm(8, _CHANNELS), nn.GELU(), nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1),
            GroupNorm(8, _CHANNELS), nn.GELU(), nn.Conv2d(_CHANNELS, half, 1),
        )  # fmt: skip
        self.image = nn.Sequential(
            nn.Conv2d(self.image_channels, _IMAGE_CHANNELS, 3, stride=2, padding=1), nn.GELU(),
            nn.Conv2d(_IMAGE_CHANNELS, _IMAGE_CHANNELS, 3, padding=1),
        )  # fmt: skip
        self.fine = nn.Sequential(
            nn.Conv2d(half + _IMAGE_CHANNELS, half, 3, padding=1), GroupNorm(8, half), nn.GELU(),
            nn.Conv2d(half, half, 3, padding=1), nn.GELU(), nn.Conv2d(half, classes, 1),
        )  # fmt: skip
        # A third faster on a CPU. torch's types leave memory_format out.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def standardise_by(self, slices: Sequence[SliceOfLevels]) -> None:
        """Remember mean and scale of each level's channels on some slices, looked at one by one."""
        for name, count in self.channels.items():
            cells, total, squares = 0, np.zeros(count), np.zeros(count)
            for levels, index in slices:
                level = levels[name].read([index])[0].flatten(1).double().numpy()
                cells, total, squares = cells + level.shape[1], total + level.sum(1), squares + np.square(level).sum(1)
            deviation = np.sqrt(np.maximum(squares - np.square(total) / cells, 0) / (cells - 1))
            getattr(self, f"mean_{name}").copy_(torch.from_numpy(total / cells)[:, None, None])
            getattr(self, f"scale_{name}").copy_(torch.from_numpy(1 / (deviation + 1e-3))[:, None, None])

    @property
    def is_new(self) -> bool:
        """Whether it has not learned how to scale the levels, as of `standardise_by`."""
        return not any(bool(getattr(self, f"mean_{name}").any()) for name in self.levels)

    @property
    def image_channels(self) -> int:
        """Channels of the image that it sees: grey values, and three of places if it sees these."""
        return 4 if self.placed else 1

    def merged(self, slices: Sequence[SliceOfLevels], dtype: torch.dtype) -> torch.Tensor:
        """The sum of the projected levels: B x 48 x 64 x 64. Pointwise, so that it may be flipped in their place."""
        folded = {name: self._folded(name) for name in self.levels}
        parts = [
            torch.stack([levels[name].project(index, *folded[name], dtype) for levels, index in slices])
            for name in self.levels
        ]
        return torch.stack(parts).sum(0)

    def masks(self, merged: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        """Merged levels and image, with places B x 4 x size x size or without, -> logits B x C x 128 x 128."""
        coarse = self.coarse(merged)
        upsampled = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
        detail = self.image(F.adaptive_avg_pool2d(image, 2 * upsampled.shape[-1]))
        return self.fine(torch.cat([upsampled, detail], 1))

    def _folded(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights 48 x C' and offsets 48 of a level's projection, which standardises the channels on its way."""
        layer, mean, scale = self.project[name], getattr(self, f"mean_{name}"), getattr(self, f"scale_{name}")
        weight = (layer.weight * scale).flatten(1)
        return weight, layer.bias - weight @ mean.flatten()


def train_segmenter(
    network: Segmenter,
    volumes: Sequence[VolumeSlices],
    masks: Sequence[PseudoMask],
    steps: int,
    seed: int,
    report: Report,
    shares: np.ndarray | None = None,
) -> Segmenter:
    """Train the network, in place and on its device.

    Parameters
    ----------
    network : Segmenter
        New, or trained before, which keeps its scaling of the levels.
    volumes : sequence of VolumeSlices
        The cohort. Slices on which every class is absent are learned as background.
    masks : sequence of PseudoMask
        At least one. Pixels that labels speak of count in full.
    steps : int
        Batches of eight slices at most; fewer for few masks (two for each, but at least 80).
    seed : int
        Of batches, and of the slices by which a new network scales the levels.
    report : callable
        Takes progress.
    shares : numpy.ndarray, optional
        As for `targets_of`.
    """
    device = next(network.parameters()).device
    steps = round_steps(steps, len(masks))
    masks = [with_known(mask, volumes[mask.volume]) for mask in masks]
    random = np.random.default_rng(seed)
    negatives = [(v, int(i)) for v, one in enumerate(volumes) for i in np.flatnonzero((one.tags == ABSENT).all(1))]
    if network.is_new:
        network.standardise_by(_sample(volumes, random))
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=steps)
    for step in range(steps):
        batch = _draw(masks, negatives, network.classes, random)
        flip = bool(random.random() < 0.5) and not network.placed
        loss = _loss(network, volumes, batch, flip, device, shares)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        report(Progress(STAGE, step + 1, steps))
    return network.eval()


def _sample(volumes: Sequence[VolumeSlices], random: np.random.Generator) -> list[SliceOfLevels]:
    """Some slices of the cohort."""
    slices = [(v, i) for v, one in enumerate(volumes) for i in range(one.n_slices)]
    drawn = random.choice(len(slices), min(len(slices), _SAMPLED_SLICES), replace=False)
    return [(volumes[v].features.levels, i) for v, i in (slices[row] for row in drawn)]


def _images(volumes: Sequence[VolumeSlices], slices: Sequence[tuple[int, int]], placed: bool) -> torch.Tensor:
    """Grey values of slices, and where in the body each pixel lies: B x 4 (or 1) x size x size."""
    image = torch.from_numpy(np.stack([volumes[v].features.image[i] for v, i in slices]))[:, None].float() / 255
    if not placed:
        return image
    return torch.cat([image, torch.from_numpy(np.stack([volumes[v].places for v, _ in slices]))], 1)


def _draw(
    masks: Sequence[PseudoMask], negatives: Sequence[tuple[int, int]], classes: int, random: np.random.Generator
) -> list[PseudoMask]:
    batch = [masks[i] for i in random.integers(len(masks), size=_POSITIVE if negatives else _POSITIVE + _NEGATIVE)]
    if negatives:
        nothing = np.zeros((classes, TARGET, TARGET), np.uint8)
        batch += [PseudoMask(*negatives[int(i)], nothing) for i in random.integers(len(negatives), size=_NEGATIVE)]
    return batch


def _loss(
    network: Segmenter,
    volumes: Sequence[VolumeSlices],
    batch: Sequence[PseudoMask],
    flip: bool,
    device: torch.device,
    shares: np.ndarray | None = None,
) -> torch.Tensor:
    """Cross-entropy over all pixels that count, and Dice over those of slices that show something."""
    from monai.losses import MaskedDiceLoss  # seconds to import, for which no worker waits before its first word

    slices = [(one.volume, one.index) for one in batch]
    target = torch.from_numpy(targets_of(np.stack([one.probability for one in batch]), shares))
    weight = torch.from_numpy(np.stack([one.pixel_weight for one in batch]))
    if flip:
        target, weight = target.flip(-1), weight.flip(-1)
    logits = _logits(network, volumes, slices, device, [flip])[0]
    counted = (target.ne(IGNORED) * weight).float().to(device)
    wanted = target.eq(1).float().to(device)
    entropy = masked_entropy(logits, wanted, counted).sum() / counted.sum().clamp_min(1e-6)
    rows, classes = (wanted * counted).flatten(2).any(2).nonzero(as_tuple=True)
    if not len(rows):
        return entropy
    shown = [x[rows, classes][:, None] for x in (logits, wanted, counted)]
    return entropy + MaskedDiceLoss()(shown[0].sigmoid(), shown[1], mask=shown[2])


def _logits(
    network: Segmenter,
    volumes: Sequence[VolumeSlices],
    slices: Sequence[tuple[int, int]],
    device: torch.device,
    flips: Sequence[bool],
) -> list[torch.Tensor]:
    """Logits of slices (volume, index), once for each of `flips`: seen as they are, or mirrored left to right."""
    dtype, image = network_dtype(device), _images(volumes, slices, network.placed).to(device)
    merged = network.merged([(volumes[v].features.levels, i) for v, i in slices], dtype)
    merged = merged.contiguous(memory_format=torch.channels_last)  # which convolutions are faster with
    with in_precision(device, dtype):
        seen = [network.masks(*(x.flip(-1) if flip else x for x in (merged, image))) for flip in flips]
    return [logits.float() for logits in seen]


def segment_on_sides(network: Segmenter, volume: VolumeSlices, indices: np.ndarray, device: torch.device) -> np.ndarray:
    """What `segment` gives, 0 where a class cannot lie by what is known of its side."""
    seen = segment(network, volume, indices, device)
    for column in range(seen.shape[1]):
        seen[:, column] = volume.kept_to_side(seen[:, column], indices, column)
    return seen


@torch.inference_mode()
def segment(network: Segmenter, volume: VolumeSlices, indices: np.ndarray, device: torch.device) -> np.ndarray:
    """Probabilities of every class on slices of one volume; of a network without places the mean over left-right flips.

    Returns
    -------
    numpy.ndarray
        n x C x TARGET x TARGET, float32.
    """
    parts = []
    for start in range(0, len(indices), _SLICES_AT_ONCE):
        slices = [(0, int(i)) for i in indices[start : start + _SLICES_AT_ONCE]]
        flips = [False] if network.placed else [False, True]
        seen = [logits.sigmoid() for logits in _logits(network, [volume], slices, device, flips)]
        seen = [one.flip(-1) if flip else one for one, flip in zip(seen, flips, strict=True)]
        parts.append(torch.stack(seen).mean(0).cpu())
    return torch.cat(parts).numpy() if parts else np.zeros((0, network.classes, TARGET, TARGET), np.float32)
