"""Stage: slices of one volume to features, once, kept in the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Progress, Warning_
from WeakMedSAMLib.contract.stages import EMBED as STAGE
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.array_store import ArrayShape
from WeakMedSAMLib.engine.base.finite import require_finite
from WeakMedSAMLib.engine.base.memory import is_gpu_out_of_memory
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity, to_unit

# Raised whenever the same input gives other features: part of the key.
EMBED_VERSION = 1


@dataclass(frozen=True)
class VolumeFeatures:
    """Features of one volume, read-only and memory-mapped.

    Parameters
    ----------
    key : str
        Key in the cache.
    levels : dict
        Level name -> S x C x h x w, float16.
    image : np.ndarray
        S x size x size, uint8: the slices as the encoder saw them, 255 for 1.0.
    """

    key: str
    levels: Mapping[str, np.ndarray]
    image: np.ndarray

    @property
    def n_slices(self) -> int:
        """Number of slices S."""
        return len(self.image)


@dataclass(frozen=True)
class EmbedInput:
    """One volume as the stage needs it.

    Parameters
    ----------
    load_stack : callable
        Gives the S x H x W grey values; called only if the features are not cached.
    n_slices : int
        S, known without loading.
    content_sha256 : str
        Hash of the volume's voxels (``contract.identity.content_hash``).
    axis : str
        Slice axis, ``"i"``, ``"j"`` or ``"k"``.
    frame : Frame
        Placing of a slice in the backbone's input.
    intensity : Intensity
        Grey values to [0, 1].
    """

    load_stack: Callable[[], np.ndarray]
    n_slices: int
    content_sha256: str
    axis: str
    frame: Frame
    intensity: Intensity


def feature_key(volume: EmbedInput, backbone: Backbone, levels: tuple[str, ...]) -> str:
    """Hash of everything that the features depend on: 64 hexadecimal digits.

    That is voxels, slice axis, in-plane geometry, preprocessing, backbone, weights, levels, precision, kind of device
    and the versions of this code and of PyTorch (whose kernels round differently from release to release).
    """
    info = backbone.info
    parts = {
        "voxels": volume.content_sha256,
        "axis": volume.axis,
        "frame": asdict(volume.frame),
        "intensity": [volume.intensity.low, volume.intensity.high],
        "backbone": [info.name, info.version, info.weights.sha256],
        "levels": sorted(levels),
        "precision": str(backbone.dtype),
        "device": backbone.device.type,
        "versions": [EMBED_VERSION, torch.__version__],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def embed_volume(
    volume: EmbedInput,
    backbone: Backbone,
    cache: FeatureCache,
    levels: tuple[str, ...],
    report: Report,
) -> VolumeFeatures:
    """Features of one volume, from the cache or computed into it, batch by batch.

    Memory beyond a batch is memory-mapped. ``report`` gets a progress event after every batch; an exception that it
    raises ends the work and leaves no entry.

    Parameters
    ----------
    volume : EmbedInput
        The volume.
    backbone : Backbone
        On its device, in its precision.
    cache : FeatureCache
        Where the features are kept.
    levels : tuple of str
        The levels wanted.
    report : callable
        Takes events.

    Raises
    ------
    UserError
        ``gpu_out_of_memory``, ``disk_full``, ``cannot_write``, ``not_finite``.
    """
    key = feature_key(volume, backbone, levels)
    arrays = cache.entry(key)
    if arrays is None:
        _compute(key, volume, backbone, cache, levels, report)
        arrays = _read_back(key, cache)
    else:
        report(Progress(STAGE, volume.n_slices, volume.n_slices))
    return VolumeFeatures(key, {name: arrays[name] for name in levels}, arrays["image"])


def _read_back(key: str, cache: FeatureCache) -> dict[str, np.ndarray]:
    arrays = cache.entry(key)
    if arrays is None:
        raise UserError(
            "cache_entry_lost",
            f"Features just written to the cache {cache.root} cannot be read back.",
            "Check that disk, or choose another cache folder.",
            values={"folder": str(cache.root)},
        )
    return arrays


def _compute(
    key: str,
    volume: EmbedInput,
    backbone: Backbone,
    cache: FeatureCache,
    levels: tuple[str, ...],
    report: Report,
) -> None:
    """Embed all slices into a new entry of the cache."""
    shapes = _shapes(volume.n_slices, backbone, levels)
    _warn_of_excess(cache, shapes, report)
    stack = volume.load_stack()
    if len(stack) != volume.n_slices:
        raise ValueError(f"the volume has {len(stack)} slices, not {volume.n_slices}")
    with cache.writer(key, shapes) as arrays:
        for start, images, features in _batches(stack, volume, backbone):
            stop = start + len(images)
            for name in levels:
                found = features[name].cpu().numpy()
                require_finite(STAGE, {name: found})
                arrays[name][start:stop] = found
            arrays["image"][start:stop] = np.rint(images[:, 0].numpy() * 255).astype(np.uint8)
            report(Progress(STAGE, stop, volume.n_slices))


def _shapes(n_slices: int, backbone: Backbone, levels: tuple[str, ...]) -> dict[str, ArrayShape]:
    size = backbone.info.input_size
    shapes: dict[str, ArrayShape] = {"image": ((n_slices, size, size), "|u1")}
    for name in levels:
        shapes[name] = ((n_slices, *backbone.info.levels[name].shape), "<f2")
    return shapes


def _batches(
    stack: np.ndarray, volume: EmbedInput, backbone: Backbone
) -> Iterator[tuple[int, torch.Tensor, dict[str, torch.Tensor]]]:
    """Start, images (B x 1 x size x size) and features of batch after batch; out of memory halves the batch once."""
    batch, start, halved = backbone.batch_size, 0, False
    while start < len(stack):
        images = _images(stack[start : start + batch], volume)
        try:
            features = backbone.embed(images)
        except RuntimeError as error:
            if not is_gpu_out_of_memory(error):
                raise
            if halved or batch == 1:
                raise _out_of_memory(batch, backbone) from error
            batch, halved = batch // 2, True
            torch.cuda.empty_cache()
            continue
        yield start, images, features
        start += len(images)


def _images(part: np.ndarray, volume: EmbedInput) -> torch.Tensor:
    framed = volume.frame.to_frame(to_unit(part, volume.intensity))
    return torch.from_numpy(np.ascontiguousarray(framed, dtype=np.float32))[:, None]


def _out_of_memory(batch: int, backbone: Backbone) -> UserError:
    return UserError(
        "gpu_out_of_memory",
        f"The memory of {backbone.device} does not suffice for {batch} slice(s) at once.",
        "Close other programs that use the GPU, or run with --device cpu.",
    )


def _warn_of_excess(cache: FeatureCache, shapes: Mapping[str, ArrayShape], report: Report) -> None:
    excess = cache.excess(shapes)
    if excess > 0 and not cache.excess_told:
        cache.excess_told = True
        report(_excess_warning(cache, excess))


def _excess_warning(cache: FeatureCache, excess: int) -> Warning_:
    return Warning_(
        code="cache_limit_exceeded",
        message=f"This run needs more features than the limit of the feature cache, {cache.max_bytes / 1e9:.1f} GB "
        f"(so far by {excess / 1e9:.1f} GB). They are kept while it runs and partly removed after it.",
        hint="Raise the limit, so that the next run on these volumes need not compute them again.",
        values={"limit_gb": round(cache.max_bytes / 1e9, 1), "excess_gb": round(excess / 1e9, 1)},
    )
