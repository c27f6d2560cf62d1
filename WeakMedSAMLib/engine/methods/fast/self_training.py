"""Rounds of the segmentation network: on pseudo-masks first, then on its own masks as the backbone redraws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from WeakMedSAMLib.contract.stages import round_steps, segmenter_round, steps_of_round
from WeakMedSAMLib.engine.base.memory import release_free_memory
from WeakMedSAMLib.engine.base.reporting import Tell, Work, as_part
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.given import blend, give_anew, handing_in, stride_in
from WeakMedSAMLib.engine.methods.fast.known import put_known
from WeakMedSAMLib.engine.methods.fast.refine import redraw_classes
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter, segment, segment_on_sides, train_segmenter
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.stage_outputs import copy_with_weights
from WeakMedSAMLib.engine.methods.fast.surest import LONGER, hand_on_surest, sureness
from WeakMedSAMLib.engine.parts.pseudo_masks import PseudoMask, encode_probability, taught_classes
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.showcase import Showcase
from WeakMedSAMLib.engine.supervision.knowledge import classes_that_share

_STEPS_A_MASK = 0.15  # training steps that take as long as a mask that is redrawn, or handed on


class SelfTraining:
    """All rounds, each a stage of its own.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        The cohort; the network learns from those with labels.
    settings : FastSettings
        ``segmenter_steps``, ``rounds``, ``places``, ``handing_anew``, ``surest_slice``, ``seed``.
    context : RunContext
    showcase : Showcase
        Is shown what the network draws after each round.
    shown : frozenset of int
        Columns of the classes of which a reader said in some volume what is meant: in the others they are handed on
        from the surest slice. Of objects that the program found by itself that is not so, where none was found the
        surest slice is not sure either.
    """

    def __init__(
        self,
        volumes: Sequence[VolumeSlices],
        settings: FastSettings,
        context: RunContext,
        showcase: Showcase,
        shown: frozenset[int] = frozenset(),
    ) -> None:
        self._shown = shown
        self._volumes, self._settings, self._context, self._showcase = volumes, settings, context, showcase
        self._learned = [volume for volume in volumes if volume.tagged or volume.supervision.known]
        self._shares = classes_that_share(context.classes)

    def run(self, masks: Sequence[PseudoMask], key: str, begin: Segmenter | None = None) -> Segmenter:
        """The network after the last round.

        Parameters
        ----------
        masks : sequence of PseudoMask
            What it learns from in the first round, and which slices it learns of.
        key : str
            Hash of all that it depends on.
        begin : Segmenter, optional
            Trained before; training goes on from it.
        """
        network = self._new_network(begin)
        for round_ in range(1, max(1, self._settings.rounds) + 1):
            name = segmenter_round(round_)
            learn = partial(self._learn, network, masks, round_)
            network = self._context.run_stage(name, key, learn, partial(copy_with_weights, network))
            network.to(self._context.device).eval()
            self._showcase.show(name, partial(self._draw, network))
        return network.eval()

    def _new_network(self, begin: Segmenter | None) -> Segmenter:
        torch.manual_seed(self._settings.seed)
        info = self._context.backbone.info
        channels = {name: level.channels for name, level in info.levels.items()}
        placed = self._settings.places if begin is None else begin.placed
        network = Segmenter(channels, len(self._context.classes), placed)
        if begin is not None:
            network.load_state_dict(begin.state_dict())
        return network

    def _learn(self, network: Segmenter, masks: Sequence[PseudoMask], round_: int) -> dict[str, np.ndarray]:
        """One round, in place; the weights after it."""
        settings, report = self._settings, self._context.report
        steps = steps_of_round(round_, settings.segmenter_steps)
        before = 0 if round_ == 1 else round(_STEPS_A_MASK * len(masks) * network.classes)
        taken = round_steps(steps, len(masks))
        work = Work.of_stage(report, segmenter_round(round_), before + taken)
        targets = masks if round_ == 1 else self._relearn(network, masks, work.part(before))
        network.to(self._context.device)
        train_segmenter(
            network,
            self._learned,
            self._among_learned(targets),
            steps,
            settings.seed + round_,
            as_part(report, work.part(taken)),
            self._shares,
        )
        return {name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()}

    def _among_learned(self, masks: Sequence[PseudoMask]) -> list[PseudoMask]:
        """The same, with numbers of volumes among those that are learned from."""
        number_of = {volume.id: number for number, volume in enumerate(self._learned)}
        return [replace(m, volume=number_of[self._volumes[m.volume].id]) for m in masks]

    def _relearn(self, network: Segmenter, masks: Sequence[PseudoMask], tell: Tell) -> list[PseudoMask]:
        """The same slices with the network's own masks, redrawn by the backbone, as targets."""
        found, numbers = [], sorted({mask.volume for mask in masks})
        work = Work(len(numbers), tell)
        for number in numbers:
            volume, told = self._volumes[number], work.part()
            mine = [mask for mask in masks if mask.volume == number]
            given, seen = self._redrawn(network, volume, mine, told)
            values = encode_probability(seen, volume.tags[[mask.index for mask in mine]])
            found += [self._keep_given(*pair) for pair in zip(given, values, strict=True)]
            release_free_memory()
        return found

    def _redrawn(
        self, network: Segmenter, volume: VolumeSlices, masks: Sequence[PseudoMask], tell: Tell
    ) -> tuple[Sequence[PseudoMask], np.ndarray]:
        """Masks of a volume, given once more, and the network's own in n x C x h x w, redrawn by the backbone."""
        backbone, settings, indices = self._context.backbone, self._settings, np.array([mask.index for mask in masks])
        seen = segment_on_sides(network, volume, indices, backbone.device)
        plain = seen.copy()
        by_slice = dict(zip(indices.tolist(), plain, strict=True))
        classes = seen.shape[1]
        work = Work((1 + LONGER) * classes, tell)
        if settings.hands_on_anew:
            step = work.part(LONGER * len(taught_classes(masks)))
            masks = give_anew(masks, volume, backbone, by_slice, self._shares, settings, step)
        guessed = self._shown - taught_classes(masks) if settings.hands_on_surest else frozenset()
        level = volume.features.levels[backbone.info.decode_level]
        step = work.part(classes)
        redrawn = redraw_classes([*seen.swapaxes(0, 1)], [indices] * classes, level, backbone, step)
        for column, (drawn, agreement) in enumerate(redrawn):
            if column in guessed:
                sure = sureness(plain, column, drawn, agreement, self._shares)
                handing = handing_in(volume, backbone, settings, by_slice, work.part(LONGER))
                drawn = hand_on_surest(drawn, sure, indices, column, handing, stride_in(volume, settings))
            seen[:, column] = drawn
        return masks, seen

    def _keep_given(self, mask: PseudoMask, drawn: np.ndarray) -> PseudoMask:
        """A slice as the network draws it, but as it was given so far as that is believed."""
        trust = np.broadcast_to(np.asarray(mask.trust, np.float32), len(drawn))
        weight = self._settings.guess_weight
        values = blend(drawn, mask.probability, trust, self._shares, weight) if (trust > 0).any() else drawn
        put_known(values, self._volumes[mask.volume], mask.index)
        return replace(mask, probability=values)

    def _draw(self, network: Segmenter, volume: VolumeSlices, index: int) -> np.ndarray:
        """What the network draws on one slice: C x TARGET x TARGET."""
        return segment(network, volume, np.array([index]), self._context.device)[0]
