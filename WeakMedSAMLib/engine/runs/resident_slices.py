"""The volumes that a resident worker knows, and features of single slices of them: cached ones, or encoded when asked.

The whole volume is never encoded for one answer; the few slices that were are kept in memory, not in the cache, which
only `SliceAnswers.encode` fills.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.resident import (
    Encode,
    Encoded,
    Encoding,
    Mask,
    Open,
    Opened,
    Predict,
    to_runs,
)
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.memory import release_free_memory
from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.engine.data.volumes import Scan, open_stored
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.embed import Embedder, EmbedInput, VolumeFeatures
from WeakMedSAMLib.engine.features.preprocess import (
    CHEST,
    Intensity,
    choose_intensity,
    shared_window,
    to_unit,
    with_shared,
)
from WeakMedSAMLib.engine.features.slices import embed_input
from WeakMedSAMLib.engine.runs.resident_masks import PromptedMasks, SliceView

_MOST_SLICES = 24  # in memory: of the default backbone 9 MB each
_SUFFIX = ".nrrd"


@dataclass(eq=False)
class _Volume:
    """An open volume.

    Attributes
    ----------
    scan : Scan
    inputs : list of EmbedInput
        As it would be encoded alone, first; then as in a cohort that asks for another range of grey values.
    features : VolumeFeatures or None
        Where they are in the cache.
    """

    scan: Scan
    inputs: list[EmbedInput]
    features: VolumeFeatures | None = None

    def image(self, index: int) -> np.ndarray:
        """One slice as the encoder sees it: size x size, uint8."""
        own = self.inputs[0]
        stack = slice_stack(self.scan.array, own.axis)[index : index + 1]
        return np.rint(own.frame.to_frame(to_unit(stack, own.intensity))[0] * 255).astype(np.uint8)


class SliceAnswers:
    """Answers about slices of volumes.

    Parameters
    ----------
    backbone : Backbone
        On its device, in its precision.
    cache : FeatureCache
        Read; written by `encode` alone.
    folder : Path
        Where the files of volumes lie; no other file is opened.
    """

    def __init__(self, backbone: Backbone, cache: FeatureCache, folder: Path) -> None:
        self._backbone, self._cache, self._folder = backbone, cache, folder
        self._embedder, self._masks = Embedder(backbone, cache), PromptedMasks(backbone)
        self._volumes: dict[str, _Volume] = {}
        self._slices: OrderedDict[tuple[str, int], Mapping[str, torch.Tensor]] = OrderedDict()

    def open(self, asked: Open) -> Opened:
        """Make a volume known.

        Raises
        ------
        UserError
            ``bad_request``, ``volume_differs``; what reading it and `choose_intensity` say.
        """
        self.close(asked.volume)
        scan = open_stored(self._path(asked), asked.volume)
        if asked.axis not in AXES:
            raise UserError("bad_request", f"A request cannot be used: {asked.axis!r} is no axis.", "It is i, j or k.")
        if scan.order_of(asked.sha256) != "same":
            message = f"The voxels of volume {asked.volume!r} are not those that were asked about."
            raise UserError("volume_differs", message, "Ask again.")
        size = self._backbone.info.input_size
        own = choose_intensity(scan.array, asked.intensity)
        inputs = [embed_input(scan, asked.axis, scan.sha256, range_, size) for range_ in _ranges(own)]
        volume = self._volumes[asked.volume] = _Volume(scan, inputs)
        self._look_up(volume)
        frame = inputs[0].frame
        return Opened(asked.id, asked.volume, inputs[0].n_slices, frame.rows, frame.columns)

    def close(self, name: str | None = None) -> None:
        """Forget a volume, or all of them; the last one gives back what it holds of the cache."""
        for one in [one for one in self._volumes if name in (None, one)]:
            del self._volumes[one]
            for key in [key for key in self._slices if key[0] == one]:
                del self._slices[key]
            if not self._volumes:
                self._cache.close()

    def predict(self, asked: Predict, is_outdated: Callable[[], bool] = lambda: False) -> Mask | None:
        """The mask on a slice; None if it was outdated once the slice was encoded, which is kept.

        Raises
        ------
        UserError
            ``volume_not_open``, ``slice_out_of_range``; what encoding and `PromptedMasks.draw` say.
        """
        started = perf_counter()
        volume = self._opened(asked.volume)
        count = volume.inputs[0].n_slices
        if not 0 <= asked.slice < count:
            message = f"Volume {asked.volume!r} has no slice {asked.slice}; the last one is {count - 1}."
            values = {"name": asked.volume, "slice": asked.slice, "last": count - 1}
            raise UserError("slice_out_of_range", message, "Ask for one that it has.", values)
        levels, encoded = self._levels(asked.volume, volume, asked.slice)
        if is_outdated():
            return None
        mask, quality = self._masks.draw(SliceView(levels, volume.inputs[0].frame), asked.boxes, asked.points)
        seconds = round(perf_counter() - started, 4)
        rows, columns = mask.shape
        return Mask(asked.id, rows, columns, to_runs(mask), round(quality, 4), encoded, seconds)

    def encode(self, asked: Encode) -> Generator[Encoding | None, None, Encoded]:
        """Put the features of a volume into the cache as a run with others of these windows would, in short pieces.

        Yields how far it is, or None where it is no further; what is closed before it is done keeps what it has.

        Raises
        ------
        UserError
            ``volume_not_open``; what `Embedder.encode` says.
        """
        volume = self._opened(asked.volume)
        own = volume.inputs[0]
        shared = with_shared(own.intensity, asked.windows)
        steps = self._embedder.encode(replace(own, intensity=shared))
        for done in steps:
            yield None if done is None else Encoding(asked.id, done, own.n_slices)
        release_free_memory()
        window = shared_window(own.intensity)
        return Encoded(asked.id, None if window is None else list(window))

    def _opened(self, name: str) -> _Volume:
        volume = self._volumes.get(name)
        if volume is None:
            raise UserError("volume_not_open", f"No volume {name!r} is open.", "Ask again.")
        return volume

    def _levels(self, name: str, volume: _Volume, index: int) -> tuple[Mapping[str, torch.Tensor], bool]:
        """All levels of a slice, and whether it was encoded for this."""
        key = (name, index)
        if key in self._slices:
            self._slices.move_to_end(key)
            return self._slices[key], False
        features = self._look_up(volume)
        if features is None:
            levels: Mapping[str, torch.Tensor] = self._embedder.encode_slice(volume.image(index))
        else:
            levels = {one: features.levels[one].read([index])[0] for one in self._backbone.info.levels}
        self._slices[key] = levels
        while len(self._slices) > _MOST_SLICES:
            self._slices.popitem(last=False)
        return levels, features is None

    def _look_up(self, volume: _Volume) -> VolumeFeatures | None:
        """Features of all slices, if a run has made them by now."""
        if volume.features is None:
            found = (self._embedder.cached(one) for one in volume.inputs)
            volume.features = next((features for features in found if features is not None), None)
        return volume.features

    def _path(self, asked: Open) -> Path:
        """The file of a volume: one of the folder itself, by its plain name."""
        name = asked.file
        if Path(name).name != name or not name.endswith(_SUFFIX):
            message = f"A request cannot be used: {name!r} is no plain name that ends in {_SUFFIX}."
            raise UserError("bad_request", message, "Put volumes into the folder that the worker was given.")
        return self._folder / name


def _ranges(own: Intensity) -> list[Intensity]:
    """The range of grey values of a volume alone, and that of a cohort in which another CT shows lungs."""
    common = with_shared(own, [CHEST])
    return [own] if (common.low, common.high) == (own.low, own.high) else [own, common]
