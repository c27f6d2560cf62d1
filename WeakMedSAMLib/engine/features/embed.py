"""Stage: slices of one volume to features, once, kept in the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Progress, Warning_
from WeakMedSAMLib.contract.stages import EMBED as STAGE
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.array_store import ArrayShape
from WeakMedSAMLib.engine.base.finite import require_finite
from WeakMedSAMLib.engine.base.reporting import Report
from WeakMedSAMLib.engine.features.batches import SliceBatch
from WeakMedSAMLib.engine.features.between import BlendedLevel, Neighbours, slices_to_encode, widest_step
from WeakMedSAMLib.engine.features.cache import LAYOUT, FeatureCache
from WeakMedSAMLib.engine.features.coarse import cell_means, shows_air
from WeakMedSAMLib.engine.features.levels import (
    CAM,
    Level,
    PooledLevel,
    pack_slices,
    packed_level,
    packed_shapes,
)
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity, to_unit

# Raised whenever the same input gives other features: part of the key.
EMBED_VERSION = 2
_IMAGE, _ROWS = "image", "rows"
_SLICES_AT_ONCE = 16
# Of a batch, where others come first: half of the cores on a CPU, and some milliseconds on a GPU.
_SMALL_PART = 8

# Makes an entry of the cache out of arrays of these shapes.
_Write: TypeAlias = Callable[[Mapping[str, ArrayShape]], AbstractContextManager[dict[str, np.ndarray]]]


@dataclass(frozen=True)
class VolumeFeatures:
    """Features of one volume, read-only and memory-mapped.

    Parameters
    ----------
    key : str
        Key in the cache.
    levels : dict
        Level name -> S x C x h x w; the one named `CAM` is for class activation maps.
    image : np.ndarray
        S x size x size, uint8: the slices as the encoder saw them, 255 for 1.0.
    """

    key: str
    levels: Mapping[str, Level]
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
    slice_mm : float
        Distance of neighbouring slices in mm.
    """

    load_stack: Callable[[], np.ndarray]
    n_slices: int
    content_sha256: str
    axis: str
    frame: Frame
    intensity: Intensity
    slice_mm: float

    @property
    def widest_step(self) -> int:
        """Every how-manieth slice must be encoded at least, see `between`."""
        return widest_step(self.slice_mm / self.frame.pixel_mm, self.n_slices)

    def framed(self, stack: np.ndarray) -> Iterator[np.ndarray]:
        """The slices of S x H x W as the encoder sees them, some at a time: n x size x size, uint8.

        Raises
        ------
        ValueError
            If the volume has another number of slices.
        """
        if len(stack) != self.n_slices:
            raise ValueError(f"the volume has {len(stack)} slices, not {self.n_slices}")
        for start in range(0, len(stack), _SLICES_AT_ONCE):
            framed = self.frame.to_frame(to_unit(stack[start : start + _SLICES_AT_ONCE], self.intensity))
            yield np.rint(framed * 255).astype(np.uint8)


class Embedder:
    """Features of volumes, from the cache or computed into it.

    Parameters
    ----------
    backbone : Backbone
        On its device, in its precision.
    cache : FeatureCache
        Where the features are kept.
    """

    def __init__(self, backbone: Backbone, cache: FeatureCache) -> None:
        self._backbone, self._cache = backbone, cache
        self._size, self._kept = backbone.info.input_size, backbone.info.levels
        if CAM in self._kept:
            raise ValueError(f"a backbone's own level cannot be named {CAM!r}")

    def claim(self, volumes: Iterable[EmbedInput], report: Report) -> None:
        """Keep what is cached of these volumes until the cache is closed, and nothing that is laid out as before."""
        keys = [feature_key(one, self._backbone) for one in volumes]
        self._cache.claim([*keys, *map(_part_key, keys)])
        if freed := self._cache.clear_outdated():
            report(_outdated_warning(self._cache, freed))

    def embed(self, volume: EmbedInput, report: Report) -> VolumeFeatures:
        """Features of one volume, computed batch by batch; memory beyond a batch is memory-mapped.

        Parameters
        ----------
        volume : EmbedInput
            The volume.
        report : callable
            Takes a progress event after every batch. An exception that it raises ends the work; what is encoded by
            then is kept, as by `encode`.

        Raises
        ------
        UserError
            ``gpu_out_of_memory``, ``disk_full``, ``cannot_write``, ``not_finite``.
        """
        cached = self.cached(volume)
        if cached is not None:
            report(Progress(STAGE, volume.n_slices, volume.n_slices))
            return cached
        key = feature_key(volume, self._backbone)

        def writer(shapes: Mapping[str, ArrayShape]) -> AbstractContextManager[dict[str, np.ndarray]]:
            _warn_of_excess(self._cache, shapes, report)
            return self._cache.writer(key, shapes)

        with closing(self._compute(key, volume, writer, self._backbone.batch_size, evicts=True)) as steps:
            for done in steps:
                if done is not None:
                    report(Progress(STAGE, done, volume.n_slices))
        arrays = _read_back(key, self._cache)
        return VolumeFeatures(key, self._levels_in(arrays), arrays[_IMAGE])

    def encode(self, volume: EmbedInput) -> Generator[int | None, None, None]:
        """Features of one volume into the cache in short pieces, none longer than a slice takes, while others wait.

        Yields after each how many slices are done, or None where that is not more than before. Ended before it is done,
        by `close`, it keeps what it has; `embed` and `encode` go on from there.

        Raises
        ------
        UserError
            ``cache_full``: nothing else is removed for it. As `embed`.
        """
        key = feature_key(volume, self._backbone)
        if self._cache.entry(key) is None:
            write = partial(self._cache.writer, key, evicts=False)
            at_once = max(1, self._backbone.batch_size // _SMALL_PART)
            yield from self._compute(key, volume, write, at_once, evicts=False)

    def cached(self, volume: EmbedInput) -> VolumeFeatures | None:
        """Features of one volume if they are in the cache; nothing is computed."""
        key = feature_key(volume, self._backbone)
        arrays = self._cache.entry(key)
        return None if arrays is None else VolumeFeatures(key, self._levels_in(arrays), arrays[_IMAGE])

    def encode_slice(self, image: np.ndarray) -> dict[str, torch.Tensor]:
        """Features of one slice by level, each C x h x w, float32 on the CPU; they are not kept.

        Parameters
        ----------
        image : numpy.ndarray
            size x size, uint8: of `EmbedInput.framed`.

        Raises
        ------
        UserError
            ``gpu_out_of_memory``, ``not_finite``.
        """
        features, batch = None, SliceBatch(self._backbone, 1)
        while features is None:
            features = batch.embed(torch.from_numpy(image)[None, None].float() / 255)
        found = {name: features[name][0].float().cpu() for name in self._kept}
        require_finite(STAGE, {name: level.numpy() for name, level in found.items()})
        return found

    def _compute(
        self, key: str, volume: EmbedInput, write: _Write, at_once: int, evicts: bool
    ) -> Generator[int | None, None, None]:
        """Embed all slices into a new entry of the cache, some at once; see `encode` for what it yields."""
        stack, size = volume.load_stack(), self._size
        # Framed twice, for all of a long volume at once would be much memory.
        found = []
        for part in volume.framed(stack):
            found.append(cell_means(part))
            yield None
        sources, rows = _plan(np.concatenate(found), volume.widest_step)
        shapes: dict[str, ArrayShape] = {_IMAGE: ((len(rows), size, size), "|u1"), _ROWS: (rows.shape, "<i4")}
        shapes |= self._packed_shapes(len(sources))
        with write(shapes) as arrays:
            arrays[_ROWS][:] = rows
            for number, part in enumerate(volume.framed(stack)):
                arrays[_IMAGE][number * _SLICES_AT_ONCE :][: len(part)] = part
                yield None
            spared, done = len(rows) - len(sources), self._take_part(key, arrays)
            batch = SliceBatch(self._backbone, at_once)
            try:
                while done < len(sources):
                    done += self._encode(arrays, sources[done:], done, batch)
                    yield spared + done
            except BaseException:  # ended, or failed at a later slice
                self._keep_part(key, arrays, done, evicts)
                raise

    def _encode(self, arrays: Mapping[str, np.ndarray], sources: np.ndarray, done: int, batch: SliceBatch) -> int:
        """Encode the first of these slices into the levels, from row `done` on; returns how many."""
        features = None
        while features is None:
            part = arrays[_IMAGE][sources[: batch.size]]
            features = batch.embed(torch.from_numpy(part)[:, None].float() / 255)
        for name in self._kept:
            found = features[name].cpu()
            require_finite(STAGE, {name: found.numpy()})
            pack_slices(arrays, name, done, found)
        return len(part)

    def _take_part(self, key: str, arrays: Mapping[str, np.ndarray]) -> int:
        """Move what was kept of an encoding that was ended early into the arrays; returns how many slices that is."""
        part = self._cache.entry(_part_key(key))
        if part is None:
            return 0
        count = min(_fill(arrays[name], part[name]) for name in part)
        part.clear()  # Windows removes no file that is mapped
        self._cache.discard(_part_key(key))
        return count

    def _keep_part(self, key: str, arrays: Mapping[str, np.ndarray], count: int, evicts: bool) -> None:
        """Keep the first slices under a key of their own, if there is room."""
        shapes, own = self._packed_shapes(count), _part_key(key)
        if not count:
            return
        with suppress(UserError):
            with self._cache.writer(own, shapes, evicts=evicts) as part:
                for name in shapes:
                    part[name][:] = arrays[name][:count]
            # Whoever goes on from it, in another process too, removes it then.
            self._cache.release(own)

    def _packed_shapes(self, count: int) -> dict[str, ArrayShape]:
        """Arrays that hold all levels of N slices."""
        parts = (packed_shapes(name, info, count) for name, info in self._kept.items())
        return {name: shape for part in parts for name, shape in part.items()}

    def _levels_in(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Level]:
        """All levels in the arrays of an entry."""
        info, rows = self._backbone.info, arrays[_ROWS]
        levels: dict[str, Level] = {name: packed_level(arrays, name, one, rows) for name, one in self._kept.items()}
        if (rows < 0).any():
            neighbours = Neighbours.of(np.flatnonzero(rows >= 0), len(rows))
            levels = {name: BlendedLevel(level, neighbours) for name, level in levels.items()}
        return levels | {CAM: PooledLevel(levels[info.cam_level], info.cam_cells)}


def feature_key(volume: EmbedInput, backbone: Backbone) -> str:
    """Hash of everything that the features depend on: 64 hexadecimal digits.

    That is voxels, slice axis, in-plane geometry, which of thin slices are left out, preprocessing, backbone, weights,
    precision, kind of device and the versions of this code, of the cache and of PyTorch (whose kernels round
    differently from release to release).
    """
    info = backbone.info
    parts = {
        "voxels": volume.content_sha256,
        "axis": volume.axis,
        "frame": asdict(volume.frame),
        "intensity": [volume.intensity.low, volume.intensity.high],
        "step": volume.widest_step,
        "backbone": [info.name, info.version, info.weights.sha256],
        "precision": str(backbone.dtype),
        "device": backbone.device.type,
        "versions": [EMBED_VERSION, LAYOUT, torch.__version__],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _part_key(key: str) -> str:
    """Key of the first slices of an entry that is not whole."""
    return hashlib.sha256(f"part of {key}".encode()).hexdigest()


def _fill(array: np.ndarray, first: np.ndarray) -> int:
    """Put the first slices into an array; returns how many."""
    array[: len(first)] = first
    return len(first)


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


def _plan(cells: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Which slices are encoded, and what stands for the others.

    Parameters
    ----------
    cells : numpy.ndarray
        Of S slices, see `cell_means`.
    step : int
        See `widest_step`.

    Returns
    -------
    sources : numpy.ndarray
        Indices of the N slices that are encoded: of those that show air alone, the first.
    rows : numpy.ndarray
        S, int32: which of these N stands for a slice; -1 where it lies between two others.
    """
    chosen = slices_to_encode(cells, step)
    air = shows_air(cells[chosen])
    sources = np.sort(np.concatenate([chosen[~air], chosen[air][:1]]))
    rows = np.full(len(cells), -1, np.int32)
    rows[chosen[air]] = np.searchsorted(sources, chosen[air][:1])
    rows[chosen[~air]] = np.searchsorted(sources, chosen[~air])
    return sources, rows


def _warn_of_excess(cache: FeatureCache, shapes: Mapping[str, ArrayShape], report: Report) -> None:
    excess = cache.excess(shapes)
    if excess > 0 and not cache.excess_told:
        cache.excess_told = True
        report(_excess_warning(cache, excess))


def _outdated_warning(cache: FeatureCache, freed: int) -> Warning_:
    return Warning_(
        code="outdated_features_removed",
        message=f"The feature cache {cache.root} held features of an earlier version, which cannot be used any more; "
        f"{freed / 1e9:.2f} GB were freed.",
        hint="Scans that were encoded before are encoded once more when they are needed.",
        values={"folder": str(cache.root), "freed_gb": round(freed / 1e9, 2)},
    )


def _excess_warning(cache: FeatureCache, excess: int) -> Warning_:
    return Warning_(
        code="cache_limit_exceeded",
        message=f"This run needs more features than the limit of the feature cache, {cache.max_bytes / 1e9:.1f} GB "
        f"(so far by {excess / 1e9:.1f} GB). They are kept while it runs and partly removed after it.",
        hint="Raise the limit, so that the next run on these volumes need not compute them again.",
        values={"limit_gb": round(cache.max_bytes / 1e9, 1), "excess_gb": round(excess / 1e9, 1)},
    )
