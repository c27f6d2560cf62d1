"""Last stage: the trained model on every volume of the cohort, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.spans import spans_of_slices
from WeakMedSAMLib.contract.stages import MASKS
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.reporting import Tell, Work, nobody
from WeakMedSAMLib.engine.features.levels import CAM
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.cam import activation_maps, slice_probabilities
from WeakMedSAMLib.engine.methods.fast.doubted_tags import Doubted
from WeakMedSAMLib.engine.methods.fast.given import (
    GivenMasks,
    by_reader,
    give_anew,
    handing_in,
    known_cells,
    masks_given,
    stride_in,
)
from WeakMedSAMLib.engine.methods.fast.model import FastModel
from WeakMedSAMLib.engine.methods.fast.refine import (
    drop_loose_pieces,
    redraw_by_decoder,
    redraw_classes,
    smooth_along_z,
)
from WeakMedSAMLib.engine.methods.fast.segmenter import segment_on_sides
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.surest import LONGER, hand_on_surest, sureness
from WeakMedSAMLib.engine.methods.fast.watched import watch_masks
from WeakMedSAMLib.engine.parts.assembly import (
    DrawnClass,
    Results,
    VolumeResult,
    assemble_result,
    tell_results,
)
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, PseudoMask, find_known, measure_concord, taught_classes
from WeakMedSAMLib.engine.parts.quality import no_surer_than
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.stage_maps import MEAN, NETWORK
from WeakMedSAMLib.engine.parts.walked_votes import at_grey_edges, grey_values
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume
from WeakMedSAMLib.engine.supervision.knowledge import classes_that_share

# Below this probability an untagged slice is not searched for a class.
_SHOWN = 0.3
_LEAST_KNOWN = 0.1  # of a slice: what a few strokes say is no mask that could be compared
_MOST_PIXELS = 1 << 24  # of masks of several classes that are redrawn together: 64 MiB


@dataclass(frozen=True)
class _Drawing:
    """What is drawn of a class on n slices.

    Attributes
    ----------
    coarse : numpy.ndarray
        n x h x w probabilities.
    indices, shown, trust : numpy.ndarray
        n: the slices, whether they are known to show the class, and how far what was given is believed.
    one : bool
        Whether the class is known to be one piece.
    known : numpy.ndarray, optional
        n x h x w, uint8: what is known of it by what a reader gave.
    """

    coarse: np.ndarray
    indices: np.ndarray
    shown: np.ndarray
    trust: np.ndarray
    one: bool
    known: np.ndarray | None = None


def mask_volumes(
    cohort: Sequence[CohortVolume],
    volumes: Sequence[VolumeSlices],
    model: FastModel,
    settings: FastSettings,
    context: RunContext,
    learned: Sequence[PseudoMask] = (),
    doubts: Doubted = (),
) -> Results:
    """Masks, probabilities and quality of every volume.

    Slices are searched for a class where its tag says present, or where there is no tag and the classifier finds it
    likely; where its tag says absent there is no mask. What the network was taught of a
    slice (`learned`) counts as much as what it says of it now: two opinions, one of this patient, one of all. Where
    nothing was learned of a volume, what its boxes and points say takes that place. Tags that are doubted (`doubts`, by
    volume) count as any other, and are told.
    """
    learned_of: dict[int, list[PseudoMask]] = {}
    for mask in learned:
        learned_of.setdefault(mask.volume, []).append(mask)

    stage = Work.of_stage(context.report, MASKS, len(cohort))

    def result_of(source: CohortVolume, volume: VolumeSlices, number: int) -> VolumeResult:
        said = learned_of.get(number)
        work = Work(1 if said else 2, stage.part())
        if not said:
            said = masks_given(number, volume, context.backbone, settings, step=work.part())
        result = segment_volume(source, volume, model, settings, context, said, work.part())
        if not doubts:
            return result
        doubted = dict(zip(context.classes.names, doubts[number], strict=True))
        return replace(result, quality=result.quality.with_doubted(doubted))

    return tell_results(cohort, volumes, context.report, result_of)


def segment_volume(
    source: CohortVolume,
    volume: VolumeSlices,
    model: FastModel,
    settings: FastSettings,
    context: RunContext,
    learned: Sequence[PseudoMask] = (),
    tell: Tell = nobody,
) -> VolumeResult:
    """Everything about one volume, in its own geometry; tells on its way how far it is, and may be ended by that."""
    backbone, classes = context.backbone, context.classes
    activation = activation_maps(model.classifier, model.projection.parts(volume.features.levels[CAM]))
    likely = slice_probabilities(activation, model.settings.pooling)
    tell(0, 1)
    searched = np.where(volume.tags == PRESENT, True, (volume.tags != ABSENT) & (likely >= _SHOWN))
    for mask in learned:
        searched[mask.index] |= np.broadcast_to(mask.trust, len(classes)) > 0
    for column in volume.supervision.bags:  # it is on some slice, if on none for sure on the likeliest
        searched[likely[:, column].argmax(), column] |= not searched[:, column].any()
    indices = np.flatnonzero(searched.any(1))
    coarse = segment_on_sides(model.segmenter, volume, indices, backbone.device)
    on = [np.flatnonzero(searched[indices, column]) for column in range(len(classes))]
    watch_masks(NETWORK, volume, indices, on, coarse, context)
    seen = _as_bytes(coarse)
    guessed = sorted(set(model.taught) - taught_classes(learned)) if settings.hands_on_surest else []
    shares = classes_that_share(classes)
    work = Work(LONGER * (len(classes) * settings.hands_on_anew + len(guessed)) + len(classes), tell)
    if settings.hands_on_anew:
        by_slice, step = dict(zip(indices.tolist(), coarse, strict=True)), work.part(LONGER * len(classes))
        learned = give_anew(learned, volume, backbone, by_slice, shares, settings, step)
    trust, sides = np.zeros(searched.shape, np.float32), np.ones(searched.shape, np.float32)
    for mask in learned:
        trust[mask.index], sides[mask.index] = mask.trust, mask.sides
    steps = {column: work.part(LONGER) for column in guessed}
    coarse = _from_surest(coarse, steps, indices, volume, settings, context)
    concord = _average_in(coarse, indices, learned)
    shown = {*(box.column for box in volume.supervision.boxes), *(one.column for one in volume.supervision.points)}
    concord[:, sorted(shown)] = np.nan  # whoever showed the class need not say once more what is meant
    watch_masks(MEAN, volume, indices, on, coarse, context)

    has_edges = settings.grey_edges and not settings.box_refinement
    grey = grey_values(volume.features.image) if has_edges else None
    known = known_cells(volume, by_reader(volume, GivenMasks.of(learned)), TARGET) if has_edges else None

    def drawn() -> Iterator[DrawnClass]:
        for columns in _some_together([len(rows) * backbone.info.input_size**2 for rows in on]):
            asked = []
            for column in columns:
                rows, one = indices[on[column]], classes[column].known.pieces == "one"
                shown = volume.tags[rows, column] == PRESENT
                seeds = None if known is None else known[rows, column]
                asked.append(_Drawing(coarse[on[column], column], rows, shown, trust[rows, column], one, seeds))
            found = _draw_classes(asked, volume, grey, settings, backbone, work.part(len(columns)))
            for column, drawing, (masks, opinion) in zip(columns, asked, found, strict=True):
                agreement, size = _as_seen(seen[on[column], column], opinion)
                rows = on[column]
                agreement = no_surer_than(sides[indices[rows], column], agreement)
                yield DrawnClass(masks, drawing.indices, agreement, likely[:, column], size, concord[rows, column])

    return assemble_result(source, volume, classes, drawn(), model.patients)


def _some_together(pixels: Sequence[int]) -> Iterator[list[int]]:
    """Numbers of classes whose masks have so many pixels, in their order: as many at once as memory is to hold."""
    some: list[int] = []
    for column, count in enumerate(pixels):
        if some and count + sum(pixels[one] for one in some) > _MOST_PIXELS:
            yield some
            some = []
        some.append(column)
    yield some


def _from_surest(
    seen: np.ndarray,
    steps: Mapping[int, Tell],
    indices: np.ndarray,
    volume: VolumeSlices,
    settings: FastSettings,
    context: RunContext,
) -> np.ndarray:
    """Masks n x C x h x w, those of some classes redrawn, and handed on from the slice that is surest.

    `steps` has these classes, and what is told of each.
    """
    backbone, shares = context.backbone, classes_that_share(context.classes)
    level, result = volume.features.levels[backbone.info.decode_level], seen.copy()
    by_slice = dict(zip(indices.tolist(), seen, strict=True))
    for column, tell in steps.items():
        work = Work(1 + LONGER, tell)
        drawn, agreement = redraw_by_decoder(seen[:, column], indices, level, backbone, work.part())
        handing = handing_in(volume, backbone, settings, by_slice, work.part(LONGER))
        sure = sureness(seen, column, drawn, agreement, shares)
        result[:, column] = hand_on_surest(drawn, sure, indices, column, handing, stride_in(volume, settings))
    return result


def _as_bytes(masks: np.ndarray) -> np.ndarray:
    """Probabilities n x C x h x w as 0..255, slice by slice: as numbers of 32 bits they would be held twice."""
    found = np.empty(masks.shape, np.uint8)
    for row, mask in enumerate(masks):
        found[row] = np.rint(255 * mask)
    return found


def _as_seen(seen: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How well masks n x H x W fit what the network sees, n x h x w of uint8: Dice, softly; and the sizes of both, n.

    NaN where neither has anything.
    """
    drawn = resize_maps(torch.from_numpy((masks > 0.5).astype(np.float32)), seen.shape[-1]).numpy()
    sizes = seen.sum((1, 2)) / np.float32(255) + drawn.sum((1, 2))
    common = np.einsum("nyx,nyx->n", seen.astype(np.float32), drawn) / 255
    return np.divide(2 * common, sizes, out=np.full(len(sizes), np.nan, np.float32), where=sizes > 0), sizes


def _average_in(coarse: np.ndarray, indices: np.ndarray, learned: Sequence[PseudoMask]) -> np.ndarray:
    """Average the pseudo-masks of the same slices into n x C x h x w probabilities, in place.

    Where nothing is known of the class, they stay as they are. Returns their concord before, where something is known:
    n x C Dice, NaN where there is no pseudo-mask, or one of a few pixels alone.
    """
    rows = {int(index): row for row, index in enumerate(indices)}
    concord = np.full(coarse.shape[:2], np.nan, np.float32)
    for mask in learned:
        row = rows.get(mask.index)
        if row is None:  # of a slice that nothing is looked for on
            continue
        for column, known in find_known(mask):
            values, seen = mask.probability[column], coarse[row, column]
            if known.mean() >= _LEAST_KNOWN:
                concord[row, column] = measure_concord(values, seen)
            weight, trust = (np.broadcast_to(each, len(coarse[row]))[column] for each in (mask.weight, mask.trust))
            share = np.float32(0.5 * weight + 0.25 * trust)
            mean = share * (values / np.float32(CERTAIN)) + (1 - share) * seen
            coarse[row, column] = np.where(known, mean, seen)
    return concord


def _draw_classes(
    drawings: Sequence[_Drawing],
    volume: VolumeSlices,
    grey: np.ndarray | None,
    settings: FastSettings,
    backbone: Backbone,
    step: Tell,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Masks of each class, n x H x W, and what the mask decoder draws in their place, n x H' x W'.

    The decoder redraws them at its own resolution; not where it drew them from what a reader gave, as far as that is
    believed. It is a second opinion, by which masks are judged; masks themselves it is with `box_refinement`.
    `grey` has the grey values of all slices, where they have a say in edges.
    """
    size = backbone.info.input_size
    full = [_smoothed(resize_maps(torch.from_numpy(one.coarse), size).numpy(), one, settings) for one in drawings]
    level = volume.features.levels[backbone.info.decode_level]
    redrawn = redraw_classes(full, [one.indices for one in drawings], level, backbone, step)
    for drawing, old, (new, _agreement) in zip(drawings, full, redrawn, strict=True):
        given = drawing.trust[:, None, None]
        opinion = _cleaned(_smoothed(given * old + (1 - given) * new, drawing, settings), drawing, settings)
        masks = opinion
        if not settings.box_refinement:
            # Nothing more is drawn by then, but it may be ended.
            walked = _at_grey_edges(drawing, grey, lambda: step(1, 1))
            masks = _cleaned(walked, drawing, settings)
        yield masks, opinion


def _at_grey_edges(drawing: _Drawing, grey: np.ndarray | None, step: Callable[[], object]) -> np.ndarray:
    """The mean of what was drawn and of what grey values say; what was given is left, as far as it is believed."""
    if grey is None:
        return drawing.coarse
    share = 0.5 * (1 - drawing.trust[:, None, None])
    return (1 - share) * drawing.coarse + share * at_grey_edges(
        drawing.coarse, drawing.indices, grey, drawing.known, step
    )


def _smoothed(masks: np.ndarray, drawing: _Drawing, settings: FastSettings) -> np.ndarray:
    return smooth_along_z(masks, drawing.indices) if settings.z_consistency else masks


def _cleaned(masks: np.ndarray, drawing: _Drawing, settings: FastSettings) -> np.ndarray:
    """Masks n x H x W without pieces that hang together with nothing.

    They are kept where a stretch of slices that show the class has nothing else.
    """
    if not settings.z_consistency:
        return masks
    kept = drop_loose_pieces(masks, drawing.trust if drawing.one else None)
    is_drawn = np.any(kept > 0.5, axis=(1, 2))
    for stretch in spans_of_slices(drawing.indices[drawing.shown].tolist()):
        rows = (drawing.indices >= stretch.first) & (drawing.indices <= stretch.last)
        if not is_drawn[rows].any():
            kept[rows] = masks[rows]
    return kept
