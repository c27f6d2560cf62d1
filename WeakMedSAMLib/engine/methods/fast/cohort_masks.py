"""Pseudo-masks of slices drawn evenly from the cohort, from what the classifier and novelty say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Progress
from WeakMedSAMLib.contract.labels.presence import ABSENT
from WeakMedSAMLib.contract.stages import PSEUDO_MASKS as STAGE
from WeakMedSAMLib.engine.base.memory import release_free_memory
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.cam import activation_maps, evidence, smooth_evidence
from WeakMedSAMLib.engine.methods.fast.given import GivenMasks, blend, by_reader, known_cells
from WeakMedSAMLib.engine.methods.fast.known import put_known, weigh_known
from WeakMedSAMLib.engine.methods.fast.pam import pseudo_masks
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.methods.fast.tagged import SeenCohort
from WeakMedSAMLib.engine.parts.maps import scale_to_peak
from WeakMedSAMLib.engine.parts.mining import GRID, TARGET
from WeakMedSAMLib.engine.parts.pseudo_masks import PseudoMask, encode_probability
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.supervision.knowledge import as_bright, classes_that_share

# Number of a volume and slice -> masks C x TARGET x TARGET, trust C, agreement C, as of `GivenMasks`.
_Given: TypeAlias = dict[tuple[int, int], tuple[np.ndarray, np.ndarray, np.ndarray]]


def choose_slices(
    volumes: Sequence[VolumeSlices], most: int, given: Sequence[GivenMasks | None] = ()
) -> dict[int, np.ndarray]:
    """Number of a volume -> its slices, ascending, that get pseudo-masks.

    At most so many of each class, drawn evenly, all for which masks are given, and those of which single pixels are
    known, of what is not a class, too; but none without any class, which is learned from as it is.
    """
    chosen: set[tuple[int, int]] = set()
    for column in range(volumes[0].tags.shape[1]):
        shown = [(v, int(i)) for v, one in enumerate(volumes) for i in one.present(column)]
        picks = np.linspace(0, len(shown) - 1, min(len(shown), most)).round().astype(int)
        chosen.update(shown[pick] for pick in picks)
    chosen.update((v, int(index)) for v, one in enumerate(given) if one is not None for index in one.indices)
    for v, one in enumerate(volumes):
        chosen.update((v, index) for index in one.supervision.known if (one.tags[index] != ABSENT).any())
    return {v: np.array(sorted(i for w, i in chosen if w == v)) for v in sorted({v for v, _ in chosen})}


def make_pseudo_masks(
    cohort: SeenCohort,
    chosen: Mapping[int, np.ndarray],
    classifier: SliceClassifier,
    settings: FastSettings,
    context: RunContext,
    key: str,
    given: Sequence[GivenMasks | None] = (),
) -> list[PseudoMask]:
    """Pseudo-masks of the chosen slices, kept from before or made, memory-mapped.

    Parameters
    ----------
    cohort : SeenCohort
    chosen : mapping
        Number of a volume -> its slices, from `choose_slices`.
    classifier : SliceClassifier
        Trained on the cohort.
    settings : FastSettings
        The ``pam`` choices.
    context : RunContext
    key : str
        Hash of all that they depend on.
    given : sequence
        What boxes and points give of every volume: it takes the place of what is guessed.
    """
    said = _given_on(given)
    shares = classes_that_share(context.classes)
    patients = cohort.patients_with()
    shape = (sum(map(len, chosen.values())), len(context.classes), TARGET, TARGET)

    def fill(arrays: Mapping[str, np.ndarray]) -> None:
        filled = 0
        for done, (number, indices) in enumerate(chosen.items()):
            context.report(Progress(STAGE, done, len(chosen)))
            smooth = evidence_of(cohort, number, classifier, patients, context.classes, settings.map_smoothing)
            maps = [None if one is None else one ** np.float32(settings.map_exponent) for one in smooth]
            volume = cohort.volumes[number]
            known = known_cells(volume, by_reader(volume, given[number] if given else None), GRID)
            found = _masks_of(volume, indices, maps, known, settings, context)
            for row, index in enumerate(indices.tolist()):
                if (number, index) in said:
                    given_masks, trust, _sides = said[number, index]
                    found[row] = blend(found[row], given_masks, trust, shares, settings.guess_weight)
                put_known(found[row], volume, index)
            arrays["probabilities"][filled : filled + len(found)] = found
            filled += len(found)
            release_free_memory()

    def take(kept: Mapping[str, Any]) -> list[PseudoMask]:
        masks = np.asarray(kept["probabilities"])
        if masks.shape != shape:
            raise ValueError(f"pseudo-masks of the shape {masks.shape}")
        slices = [(number, int(index)) for number, indices in chosen.items() for index in indices]
        return _as_pseudo_masks(masks, slices, said, cohort.volumes, settings)

    return context.fill_stage(STAGE, key, {"probabilities": (shape, "|u1")}, fill, take)


def _given_on(given: Sequence[GivenMasks | None]) -> _Given:
    """What was given, slice by slice."""
    return {
        (v, index): (masks, trust, sides)
        for v, one in enumerate(given)
        if one is not None
        for (index, masks, trust), sides in zip(one.rows(), one.agreement, strict=True)
    }


def _as_pseudo_masks(
    masks: np.ndarray,
    slices: Sequence[tuple[int, int]],
    said: _Given,
    volumes: Sequence[VolumeSlices],
    settings: FastSettings,
) -> list[PseudoMask]:
    """Masks n x C x TARGET x TARGET of n slices, with what was given there, and how much they weigh."""
    nothing, together = np.zeros(masks.shape[1], np.float32), np.ones(masks.shape[1], np.float32)
    trusts, sides = (
        np.array([said[one][part] if one in said else other for one in slices], np.float32)
        for part, other in ((1, nothing), (2, together))
    )
    weights = np.where(trusts.any(0), settings.weigh(trusts), 1).astype(np.float32)
    return [
        PseudoMask(v, index, mask, trust, weigh_known(weight, volumes[v], index), both)
        for (v, index), mask, trust, weight, both in zip(slices, masks, trusts, weights, sides, strict=True)
    ]


def evidence_of(
    cohort: SeenCohort,
    number: int,
    classifier: SliceClassifier,
    patients: Sequence[int],
    classes: ClassTable,
    smoothing: float,
    anywhere: bool = False,
) -> list[np.ndarray | None]:
    """Evidence for every class on the present slices of one volume, P x m x m; None where there are none.

    With `anywhere` it is not cut to the side that is known of a class.
    """
    volume, cells = cohort.volumes[number], cohort.cells[number]
    activation = activation_maps(classifier, cells.parts())
    maps: list[np.ndarray | None] = []
    for column in range(len(classes)):
        present = volume.present(column)
        if not len(present):
            maps.append(None)
            continue
        novel = cohort.novel[number][column] if anywhere else cohort.novelty(number, column)
        sided = None if anywhere else volume.sided(present, column, activation.shape[-1])
        body = cells.body[present] if sided is None else cells.body[present] & sided
        found = evidence(activation[present, column], novel, body, patients[column])
        expected = classes[column].known.brightness
        if expected is not None:
            found = scale_to_peak(found * as_bright(cells.brightness[present], cells.body[present], expected))
        if smoothing:
            cell_mm = volume.frame.pixel_mm * volume.frame.size / found.shape[-1]
            sizes = (smoothing, volume.slice_mm, cell_mm)
            found = smooth_evidence(found, present, volume.tags[:, column] == ABSENT, *sizes)
            found = found if sided is None else scale_to_peak(found * sided)
        maps.append(found)
    return maps


def _masks_of(
    volume: VolumeSlices,
    indices: np.ndarray,
    maps: Sequence[np.ndarray | None],
    known: np.ndarray | None,
    settings: FastSettings,
    context: RunContext,
) -> np.ndarray:
    """Pseudo-masks of the chosen slices of one volume: n x C x TARGET x TARGET, uint8 as in `PseudoMask`.

    `known` as of `known_cells`, at the size of the walk.
    """
    found = np.zeros((len(indices), len(maps), TARGET, TARGET), np.float32)
    for column, shown in enumerate(maps):
        present = volume.present(column)
        rows = np.flatnonzero(np.isin(indices, present))
        if shown is not None and len(rows):
            mine = shown[np.searchsorted(present, indices[rows])]
            levels, image = volume.features.levels, volume.features.image
            seeds = None if known is None else known[indices[rows], column]
            drawn = pseudo_masks(mine, indices[rows], levels, context.backbone, settings, image, seeds)
            found[rows, column] = volume.kept_to_side(drawn, indices[rows], column)
    return encode_probability(found, volume.tags[indices])
