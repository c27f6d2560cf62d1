"""Stage of the published method: pseudo-masks of every tagged volume, each kept by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.events import Progress, Stage
from WeakMedSAMLib.contract.labels.presence import ABSENT
from WeakMedSAMLib.contract.stages import PSEUDO_MASKS as STAGE
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.state import StageStore, reuse, stage_key
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published.cams import class_maps
from WeakMedSAMLib.engine.methods.published.classifier import AdaptedClassifier
from WeakMedSAMLib.engine.methods.published.pam import SIZE, believed_tags, decoder_of, volume_masks
from WeakMedSAMLib.engine.methods.published.settings import Defect, PublishedSettings
from WeakMedSAMLib.engine.parts.pseudo_masks import PseudoMask
from WeakMedSAMLib.engine.parts.run_context import RunContext

# Raised whenever the same input gives other pseudo-masks, by `cams`, `pam`, the parts `mining`, `prompts`, `maps` and
# `affinity`, or here: part of the keys of this stage and of those after it.
VERSION = 1

_READ = ("pooling", "prompts", "prompt_placing", "grid", "mask_weighting", "pam_radius", "pam_beta", "pam_steps")
_READ_TOO = ("pam_z", "blur")
_DEFECTS = frozenset(Defect) - {Defect.CARELESS_CROPS, Defect.MASK_SCALE, Defect.TEST_IN_CLUSTERING}


@dataclass(frozen=True, eq=False)
class Mined:
    """What is believed of one volume.

    Attributes
    ----------
    volume : int
        Its number in the cohort.
    indices : numpy.ndarray
        n slices that show a class.
    probability : numpy.ndarray
        n x C x SIZE x SIZE, uint8 as in `PseudoMask`; may be memory-mapped.
    empty : numpy.ndarray
        Slices that show none.
    """

    volume: int
    indices: np.ndarray
    probability: np.ndarray
    empty: np.ndarray

    @property
    def masks(self) -> list[PseudoMask]:
        """Slice by slice."""
        return [PseudoMask(self.volume, int(i), mask) for i, mask in zip(self.indices, self.probability, strict=True)]


def mine_cohort(
    volumes: Sequence[VolumeSlices], classifier: AdaptedClassifier, settings: PublishedSettings, context: RunContext
) -> tuple[list[Mined], str]:
    """Pseudo-masks of all volumes with tags, kept from before or made.

    Returns
    -------
    mined : list of Mined
    key : str
        Hash of all that they depend on.

    Raises
    ------
    UserError
        What `pam.volume_masks` says.
    """
    report, store = context.report, context.store
    tagged = [number for number, volume in enumerate(volumes) if volume.tagged]
    common = _common_key(classifier, settings, context.backbone)
    keys = [stage_key(common, volumes[number].features.key, volumes[number].tags) for number in tagged]
    kept = [_load(number, volumes[number], store, key) for number, key in zip(tagged, keys, strict=True)]
    all_kept = all(one is not None for one in kept)
    report(Stage(stage=STAGE, state="reused" if all_kept else "started"))
    mined = []
    for number, key, one in zip(tagged, keys, kept, strict=True):
        volume = volumes[number]
        if one is None:
            made = _make(volume, classifier, settings, context.backbone)
            one = _as_mined(number, store.save(_name(volume), key, made))
        mined.append(one)
        report(Progress(STAGE, len(mined), len(tagged)))
    if not all_kept:
        report(Stage(stage=STAGE, state="finished"))
    return mined, stage_key(keys)


def _name(volume: VolumeSlices) -> str:
    return f"{STAGE}-{volume.id}"


def _common_key(classifier: AdaptedClassifier, settings: PublishedSettings, backbone: Backbone) -> str:
    learned = {name: value.float().numpy() for name, value in classifier.learned().items()}
    read = {name: getattr(settings, name) for name in (*_READ, *_READ_TOO)}
    defects = [defect.value for defect in settings.defects if defect in _DEFECTS]
    return stage_key(VERSION, learned, read, defects, backbone.info.name, backbone.info.weights.sha256)


def _load(number: int, volume: VolumeSlices, store: StageStore, key: str) -> Mined | None:
    return reuse(store, _name(volume), key, lambda kept: _check(_as_mined(number, kept), volume))


def _check(mined: Mined, volume: VolumeSlices) -> Mined:
    """What was kept; ValueError unless it is of the classes of today, and as large as pseudo-masks are."""
    if mined.probability.shape != (len(mined.indices), volume.tags.shape[1], SIZE, SIZE):
        raise ValueError(f"pseudo-masks of the shape {mined.probability.shape}")
    return mined


def _as_mined(number: int, kept: Mapping[str, Any]) -> Mined:
    return Mined(number, np.array(kept["indices"]), kept["probability"], np.array(kept["empty"]))


def _make(
    volume: VolumeSlices, classifier: AdaptedClassifier, settings: PublishedSettings, backbone: Backbone
) -> dict[str, np.ndarray]:
    cells = class_maps(classifier, volume)
    decoder = decoder_of(volume, backbone, settings, classifier)
    indices, probability = volume_masks(volume, cells, decoder, settings)
    empty = np.flatnonzero((believed_tags(cells, volume.tags, settings) == ABSENT).all(1))
    return {"indices": indices, "probability": probability, "empty": empty}
