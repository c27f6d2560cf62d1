"""Full supervision of the segmentation network: the bound that slice tags can at best come near to.

True masks reach a network here and nowhere else. Everything but its targets is as in a run: the same network, frozen
features, slices and number of steps, and what is done with its masks afterwards, but that no pseudo-masks are averaged
into them: a network that learned true masks needs no second opinion of that kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from WeakMedSAMLib.contract.stages import steps_of_round
from WeakMedSAMLib.engine.base.state import stage_key
from WeakMedSAMLib.engine.data.geometry import slice_stack
from WeakMedSAMLib.engine.data.mask_tags import MaskClass
from WeakMedSAMLib.engine.features.slices import VolumeSlices, embed_cohort
from WeakMedSAMLib.engine.methods.fast.masks import mask_volumes
from WeakMedSAMLib.engine.methods.fast.method import FastMethod
from WeakMedSAMLib.engine.methods.fast.model import FastModel
from WeakMedSAMLib.engine.methods.fast.segmenter import VERSION, Segmenter, train_segmenter
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.stage_outputs import copy_with_weights
from WeakMedSAMLib.engine.methods.fast.training import train_model
from WeakMedSAMLib.engine.parts.assembly import Results
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.pseudo_masks import PseudoMask, encode_probability
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume
from WeakMedSAMLib.engine.supervision.knowledge import classes_that_share
from WeakMedSAMLib.studies.cases import Case

STAGE = "supervised"


@dataclass(frozen=True)
class SupervisedMethod(FastMethod):
    """The default method, but its segmentation network learns true masks.

    Parameters
    ----------
    cases : mapping
        Name of a volume -> its case, with the true mask; of other volumes nothing is learned.
    classes : sequence of MaskClass
        Which labels are a class, in the order of the class table.
    """

    cases: Mapping[str, Case]
    classes: Sequence[MaskClass]

    def run(
        self, cohort: Sequence[CohortVolume], settings: FastSettings, context: RunContext, start: FastModel | None
    ) -> Results:
        """As that of every method; what training starts from has no say, and no model is kept."""
        volumes = embed_cohort(cohort, context.backbone, context.cache, context.report)
        torch.manual_seed(settings.seed)
        alone = replace(context, keep_model=None, keep_sub_classes=None, show=None)
        weak, masks, _ = train_model(volumes, settings, alone)
        truths = [
            truth
            for number, (source, volume) in enumerate(zip(cohort, volumes, strict=True))
            if source.name in self.cases
            for truth in self._truths(number, source, volume, [m.index for m in masks if m.volume == number])
        ]
        model = replace(weak, segmenter=_train_supervised(weak.segmenter, volumes, truths, settings, context))
        yield from mask_volumes(cohort, volumes, model, settings, context)

    def _truths(
        self, number: int, source: CohortVolume, volume: VolumeSlices, indices: Sequence[int]
    ) -> list[PseudoMask]:
        """True masks of slices of one volume in the form in which the network learns."""
        truth = self.cases[source.name].masks()
        stack = [slice_stack(truth.mask(entry), source.axis)[list(indices)] for entry in self.classes]
        framed = volume.frame.to_frame(np.stack(stack, 1).astype(np.float32))
        values = encode_probability(resize_maps(torch.from_numpy(framed), TARGET).numpy(), volume.tags[list(indices)])
        return [PseudoMask(number, int(index), value) for index, value in zip(indices, values, strict=True)]


def _train_supervised(
    like: Segmenter,
    volumes: Sequence[VolumeSlices],
    truths: Sequence[PseudoMask],
    settings: FastSettings,
    context: RunContext,
) -> Segmenter:
    """A network such as `like`, trained on true masks for as many steps as all rounds of self-training have."""
    torch.manual_seed(settings.seed)
    network = Segmenter(like.channels, truths[0].probability.shape[0], like.placed)
    steps = sum(steps_of_round(number, settings.segmenter_steps) for number in range(1, max(1, settings.rounds) + 1))
    features, masks = [v.features.key for v in volumes], [t.probability for t in truths]
    shares = classes_that_share(context.classes)
    key = stage_key(VERSION, features, masks, steps, settings.seed, shares)

    def train() -> dict[str, np.ndarray]:
        train_segmenter(network.to(context.device), volumes, truths, steps, settings.seed, context.report, shares)
        return {name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()}

    trained = context.run_stage(STAGE, key, train, partial(copy_with_weights, network))
    return trained.to(context.device).eval()
