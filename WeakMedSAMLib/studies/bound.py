"""Full supervision of the segmentation network: the bound that slice tags can at best come near to.

True masks reach a network here and nowhere else. Everything but its targets is as in a run: the same network, frozen
features, slices and number of steps, and what is done with its masks afterwards, but that no pseudo-masks are averaged
into them: a network that learned true masks needs no second opinion of that kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Stage
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.state import StageStore, stage_key
from WeakMedSAMLib.engine.data.cohort import CohortVolume
from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.engine.data.mask_tags import MaskClass
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.slices import VolumeSlices, embed_cohort
from WeakMedSAMLib.engine.methods.fast.masks import mask_volumes
from WeakMedSAMLib.engine.methods.fast.pipeline import Report
from WeakMedSAMLib.engine.methods.fast.segmenter import VERSION, Segmenter, train_segmenter
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.training import FURTHER_STEPS, train_model
from WeakMedSAMLib.engine.parts.assembly import VolumeResult
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.pseudo_masks import PseudoMask, encode_probability
from WeakMedSAMLib.studies.cases import Case

STAGE = "supervised"


@dataclass(frozen=True)
class SupervisedPipeline:
    """In place of `run_pipeline`: the same, but its segmentation network learns true masks.

    Parameters
    ----------
    cases : mapping
        Name of a volume -> its case, with the true mask.
    classes : sequence of MaskClass
        Which labels are a class, in the order of the class table.
    """

    cases: Mapping[str, Case]
    classes: Sequence[MaskClass]

    def __call__(
        self,
        cohort: Sequence[CohortVolume],
        classes: ClassTable,
        settings: FastSettings,
        *,
        backbone: Backbone,
        cache: FeatureCache,
        store: StageStore,
        report: Report,
        **_: Any,
    ) -> Iterator[tuple[CohortVolume, VolumeResult]]:
        """As `run_pipeline`."""
        volumes = embed_cohort(cohort, backbone, cache, report)
        torch.manual_seed(settings.seed)
        weak, masks = train_model(volumes, classes, settings, backbone, store, report)
        truths = [
            truth
            for place, (source, volume) in enumerate(zip(cohort, volumes, strict=True))
            for truth in self._truths(place, source, volume, [m.index for m in masks if m.volume == place])
        ]
        supervised = _supervised(weak.segmenter, volumes, truths, settings, backbone, store, report)
        model = replace(weak, segmenter=supervised)
        yield from mask_volumes(cohort, volumes, classes, settings, model, backbone, report)

    def _truths(
        self, place: int, source: CohortVolume, volume: VolumeSlices, indices: Sequence[int]
    ) -> list[PseudoMask]:
        """True masks of slices of one volume in the form in which the network learns."""
        truth = self.cases[source.name].masks()
        stack = [slice_stack(truth.mask(entry), source.axis)[list(indices)] for entry in self.classes]
        framed = volume.frame.to_frame(np.stack(stack, 1).astype(np.float32))
        values = encode_probability(resize_maps(torch.from_numpy(framed), TARGET).numpy(), volume.tags[list(indices)])
        return [PseudoMask(place, int(index), value) for index, value in zip(indices, values, strict=True)]


def _supervised(
    like: Segmenter,
    volumes: Sequence[VolumeSlices],
    truths: Sequence[PseudoMask],
    settings: FastSettings,
    backbone: Backbone,
    store: StageStore,
    report: Report,
) -> Segmenter:
    """A network such as `like`, trained on true masks for as many steps as all rounds of self-training have."""
    torch.manual_seed(settings.seed)
    network = Segmenter(like.channels, truths[0].probability.shape[0])
    steps = round(settings.segmenter_steps * (1 + FURTHER_STEPS * (max(1, settings.rounds) - 1)))
    features, masks = [v.features.key for v in volumes], [t.probability for t in truths]
    key = stage_key(VERSION, features, masks, steps, settings.seed)
    kept = store.load(STAGE, key)
    report(Stage(stage=STAGE, state="started" if kept is None else "reused"))
    if kept is None:
        train_segmenter(network, volumes, truths, steps, settings.seed, backbone.device, report)
        kept = store.save(STAGE, key, {name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()})
        report(Stage(stage=STAGE, state="finished"))
    network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in kept.items()})
    return network.to(backbone.device).eval()
