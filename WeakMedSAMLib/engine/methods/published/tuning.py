"""Stage, as an option: end-to-end weak tuning of mask decoder and adapters on confident pseudo-masks.

The paper (arXiv 2503.04106) names it as open; this is our way. Boxes around the pieces of a pseudo-mask prompt a
trainable copy of the adapted encoder and the mask decoder, which learns the certain pixels of those pieces that the
untouched decoder draws alike (self-training on what two ways agree on). What it then draws is averaged into the
pseudo-masks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from WeakMedSAMLib.contract.events import Metric, Stage, Warning_
from WeakMedSAMLib.contract.stages import TUNING as STAGE
from WeakMedSAMLib.engine.backbones.adaptable import trained_parameters
from WeakMedSAMLib.engine.backbones.base import Backbone, PromptKind
from WeakMedSAMLib.engine.base.precision import in_precision, loss_scaler
from WeakMedSAMLib.engine.base.state import stage_key
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published.classifier import AdaptedClassifier
from WeakMedSAMLib.engine.methods.published.images import slice_images
from WeakMedSAMLib.engine.methods.published.pam import SIZE
from WeakMedSAMLib.engine.methods.published.pseudo_masks import Mined
from WeakMedSAMLib.engine.methods.published.settings import PublishedSettings
from WeakMedSAMLib.engine.parts.components import component_boxes
from WeakMedSAMLib.engine.parts.epochs import EpochPlan, EpochTraining, train_to_end
from WeakMedSAMLib.engine.parts.losses import masked_entropy
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.mining import Decoder, decode_prompts
from WeakMedSAMLib.engine.parts.prompts import slice_prompts
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, UNKNOWN
from WeakMedSAMLib.engine.parts.run_context import RunContext

# Raised whenever the same input gives another output: part of the keys of this stage and of those after it.
VERSION = 1
_CONFIDENT = 0.7  # Dice of a piece with what the untouched decoder draws for its box
_MOST_BOXES = 3
_READ = ("seed", "epochs", "batch", "learning_rate", "weight_decay", "threshold", "ignore_band")


@dataclass(frozen=True, eq=False)
class Piece:
    """One piece of a pseudo-mask.

    Attributes
    ----------
    volume, index, column : int
        Volume, slice, class.
    box : numpy.ndarray
        x0, y0, x1, y1 in pixels of the pseudo-mask.
    probability : numpy.ndarray
        SIZE x SIZE, uint8: the pseudo-mask.
    """

    volume: int
    index: int
    column: int
    box: np.ndarray
    probability: np.ndarray

    def target(self, settings: PublishedSettings) -> tuple[np.ndarray, np.ndarray]:
        """What is to be drawn for the box, and which pixels count: bool, SIZE x SIZE."""
        known = self.probability != UNKNOWN
        high = known & (self.probability > (settings.threshold + settings.ignore_band) * CERTAIN)
        low = self.probability <= (settings.threshold - settings.ignore_band) * CERTAIN
        x0, y0, x1, y1 = self.box.astype(int)
        inside = np.zeros_like(high)
        inside[y0 : y1 + 1, x0 : x1 + 1] = True
        return high & inside, (high & inside) | low


def tune_masks(
    volumes: Sequence[VolumeSlices],
    mined: Sequence[Mined],
    classifier: AdaptedClassifier,
    settings: PublishedSettings,
    context: RunContext,
    key: str,
) -> tuple[list[Mined], str]:
    """Pseudo-masks averaged with what the tuned network draws for their boxes.

    Parameters
    ----------
    volumes : sequence of VolumeSlices
        The cohort.
    mined : sequence of Mined
        Its pseudo-masks.
    classifier : AdaptedClassifier
        Whose encoder is trained further; on cached features, the pre-trained one is.
    settings : PublishedSettings
        The choices.
    context : RunContext
        Its backbone stays as it is; its store keeps the state after every epoch.
    key : str
        Of the pseudo-masks.

    Returns
    -------
    mined : list of Mined
        As they were, with a warning, where no piece is confident.
    key : str
        Hash of all that they depend on.

    Raises
    ------
    UserError
        ``not_finite``.
    """
    report, backbone = context.report, context.backbone
    key = stage_key(VERSION, key, {name: getattr(settings, name) for name in _READ}, "tuned")
    report(Stage(stage=STAGE, state="started"))
    pieces = [piece for one in mined for piece in pieces_of(one, settings)]
    confident = [piece for one in mined for piece in _confident(one, pieces, volumes[one.volume], settings, backbone)]
    report(Metric(name="confident_pieces", value=len(confident), stage=STAGE))
    if confident:
        tuning = Tuning(_new_network(classifier, settings, backbone), volumes, confident, settings, context)
        train_to_end(tuning, context.store, STAGE, key)
        mined = [tuning.redraw(one, pieces) for one in mined]
    else:
        report(_nothing_confident())
    report(Stage(stage=STAGE, state="finished"))
    return list(mined), key


def _new_network(classifier: AdaptedClassifier, settings: PublishedSettings, backbone: Backbone) -> nn.Module:
    torch.manual_seed(settings.seed)  # without adapters, some backbones begin with parts that no checkpoint holds
    network = backbone.promptable_network().to(backbone.device)
    if classifier.adapted:
        network.load_adapter_state(classifier.encoder.adapter_state())
    return network


def pieces_of(mined: Mined, settings: PublishedSettings) -> Iterator[Piece]:
    """The largest pieces of all pseudo-masks of one volume."""
    for index, mask in zip(mined.indices, mined.probability, strict=True):
        for column, probability in enumerate(np.asarray(mask)):
            shown = (probability > settings.threshold * CERTAIN) & (probability != UNKNOWN)
            for box in component_boxes(shown, _MOST_BOXES):
                yield Piece(mined.volume, int(index), column, box, probability)


def _confident(
    mined: Mined, pieces: Sequence[Piece], volume: VolumeSlices, settings: PublishedSettings, backbone: Backbone
) -> list[Piece]:
    """Pieces of one volume that the untouched decoder draws alike from their boxes."""
    by_slice = [[piece for piece in pieces if (piece.volume, piece.index) == (mined.volume, i)] for i in mined.indices]
    shown = [row for row, found in enumerate(by_slice) if found]
    if not shown:
        return []
    boxes = [np.stack([piece.box for piece in by_slice[row]]) for row in shown]
    prompts = slice_prompts(PromptKind.BOX, boxes, max(map(len, boxes)), backbone.info.input_size / SIZE)
    decoder = Decoder.on_features(volume.features.levels, backbone)
    confident = []
    for part, logits, _ in decode_prompts(prompts, mined.indices[shown], decoder):
        drawn = (resize_maps(logits.sigmoid(), SIZE) > 0.5).numpy()
        for row, slot, mask in zip(part.rows.tolist(), part.slots.tolist(), drawn, strict=True):
            piece = by_slice[shown[row]][slot]
            target, counted = piece.target(settings)
            if _dice(mask & counted, target) >= _CONFIDENT:
                confident.append(piece)
    return confident


def _dice(mask: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((mask & other).sum()) / max(1, int(mask.sum() + other.sum()))


class Tuning(EpochTraining):
    """Training of encoder and mask decoder, from its first epoch or from a checkpoint to its end.

    Parameters
    ----------
    network : nn.Module
        A backbone's promptable network; trained in place.
    volumes : sequence of VolumeSlices
        The cohort.
    pieces : sequence of Piece
        What it learns; at least one.
    settings : PublishedSettings
        ``epochs``, ``batch``, ``micro_batch``, ``learning_rate``, ``weight_decay``, ``seed``.
    context : RunContext
        Takes progress and losses; the precision of its backbone is that of the network, by autocast.
    """

    def __init__(
        self,
        network: nn.Module,
        volumes: Sequence[VolumeSlices],
        pieces: Sequence[Piece],
        settings: PublishedSettings,
        context: RunContext,
    ) -> None:
        self._network, self._volumes, self._pieces, self._settings = network, volumes, pieces, settings
        self._precision = context.backbone.dtype
        self._trained = trained_parameters(network)
        self._device = next(network.parameters()).device
        self._optimizer = torch.optim.AdamW(
            self._trained.values(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._scaler = loss_scaler(self._precision)
        steps = -(-len(pieces) // settings.batch)
        plan = EpochPlan(STAGE, settings.epochs, steps, settings.batch, settings.seed)
        kept = {"optimizer": self._optimizer, "scaler": self._scaler}
        super().__init__(plan, np.arange(len(pieces)), context.report, kept)

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on, for `load_state`."""
        trained = {name: value.detach().cpu() for name, value in self._trained.items()}
        return {**super().state(), "trained": trained}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        super().load_state(state)
        with torch.no_grad():
            for name, value in self._trained.items():
                value.copy_(state["trained"][name])

    def begin_epoch(self, epoch: int) -> None:
        """Train mode."""
        self._network.train()

    def take_step(self, rows: np.ndarray, random: np.random.Generator) -> float:
        """One step of the optimiser; returns the loss."""
        self._optimizer.zero_grad()
        loss = self._add_gradients([self._pieces[row] for row in rows])
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return loss

    def _add_gradients(self, batch: Sequence[Piece]) -> float:
        """Gradients of a batch, added up part by part: cross-entropy over the pixels that count, and mean Dice."""
        targets = [piece.target(self._settings) for piece in batch]
        pixels, total, size = sum(int(counted.sum()) for _, counted in targets), 0.0, self._settings.micro_batch
        for start in range(0, len(batch), size):
            entropy, dice = self._losses(batch[start : start + size], targets[start : start + size])
            loss = entropy / pixels + dice / len(batch)
            self._scaler.scale(loss).backward()
            total += float(loss.detach())
        return total

    def _losses(
        self, part: Sequence[Piece], targets: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Summed cross-entropy of the pixels that count, and summed Dice loss of the pieces."""
        from monai.losses import MaskedDiceLoss

        wanted, counted = (
            torch.from_numpy(np.stack(side)).float().to(self._device)[:, None] for side in zip(*targets, strict=True)
        )
        logits = resize_maps(self.draw(part), SIZE)[:, None]
        dice = MaskedDiceLoss(reduction="sum")(logits.sigmoid(), wanted, mask=counted)
        return masked_entropy(logits, wanted, counted).sum(), dice

    def draw(self, batch: Sequence[Piece]) -> torch.Tensor:
        """Logits n x S x S for the boxes of n pieces."""
        slices = list(dict.fromkeys((piece.volume, piece.index) for piece in batch))
        images = torch.cat([slice_images(self._volumes[v], np.array([i])) for v, i in slices]).to(self._device)
        scale = images.shape[-1] / SIZE
        boxes = torch.from_numpy(np.stack([piece.box for piece in batch])).float().to(self._device) * scale
        rows = torch.tensor([slices.index((piece.volume, piece.index)) for piece in batch], device=self._device)
        with in_precision(self._device, self._precision):
            return self._network(images, boxes, rows).float()

    @torch.no_grad()
    def redraw(self, mined: Mined, pieces: Sequence[Piece]) -> Mined:
        """Pseudo-masks of one volume, averaged with what the tuned network draws for all of their pieces."""
        self._network.eval()
        drawn = np.zeros(mined.probability.shape, np.float32)
        row_of = {int(index): row for row, index in enumerate(mined.indices)}
        mine = [piece for piece in pieces if piece.volume == mined.volume]
        for start in range(0, len(mine), self._settings.micro_batch):
            batch = mine[start : start + self._settings.micro_batch]
            for piece, mask in zip(batch, resize_maps(self.draw(batch).sigmoid(), SIZE).cpu().numpy(), strict=True):
                own = (row_of[piece.index], piece.column)
                drawn[own] = np.maximum(drawn[own], mask)
        before = np.asarray(mined.probability)
        mean = np.rint(0.5 * (before + CERTAIN * drawn)).astype(np.uint8)
        return replace(mined, probability=np.where(before == UNKNOWN, before, mean))


def _nothing_confident() -> Warning_:
    return Warning_(
        code="nothing_confident",
        message="No pseudo-mask is drawn alike by the untouched mask decoder: tuning has nothing to learn from.",
        hint="Masks are made without it. Try other prompts, or more tagged volumes.",
    )
