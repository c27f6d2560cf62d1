"""Masks of drawn slices by the filters of Slicer's Segment Editor: from the labels alone, what they say kept."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.knowledge import Knowledge
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.engine.data.geometry import Geometry, from_slice_stack, slice_stack
from WeakMedSAMLib.engine.data.mask_tags import tags_from_masks
from WeakMedSAMLib.engine.parts.metrics import patient_dice
from WeakMedSAMLib.studies.cases import Case
from WeakMedSAMLib.studies.slicer_effects import EFFECTS, FILL, GROW, INSIDE, OUTSIDE, UNSEEDED, run_effect
from WeakMedSAMLib.studies.without_learning import masks_without_learning, seeds_of

needs_slicer = pytest.mark.skipif(importlib.util.find_spec("slicer_core") is None, reason="slicer-core is not there")
CLASSES = ClassTable.from_names(["cone", "rod"])


def made_case(folder, axis="k"):
    """A double cone that is bright and a rod that is less so, slices along an axis; case, true masks."""
    k, j, i = np.mgrid[:16, :40, :36]
    cone = ((j - 12) ** 2 + (i - 14) ** 2 < (10 - abs(k - 7)) ** 2) & (k >= 2) & (k <= 12)
    rod = (abs(j - 32) < 4) & (abs(i - 20) < 9) & (k >= 4) & (k <= 13)
    scan = np.random.default_rng(0).normal(100, 10, k.shape) + 400 * cone + 200 * rod
    scan, cone, rod = (from_slice_stack(one, axis) for one in (scan, cone, rod))
    geometry = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), scan.shape[::-1])
    sitk.WriteImage(geometry.image(scan.astype(np.int16)), str(folder / "scan.nrrd"))
    return Case("scan", folder / "scan.nrrd", folder / "no mask.nrrd", "p", axis=axis), {"cone": cone, "rod": rod}


def drawn(masks, slices, axis="k"):
    """Tags, and slices by class drawn."""
    labels = tags_from_masks("scan", None, masks, axis)
    labels.size = masks["cone"].shape[::-1]
    for name, indices in slices.items():
        for index in indices:
            PAINTED.put(labels, name, index, "drawn", slice_stack(masks[name], axis)[index])
    return labels


def test_seeds_are_what_is_drawn_of_a_class_what_is_of_others_and_absent_slices(tmp_path):
    _, masks = made_case(tmp_path)
    labels = drawn(masks, {"cone": [5], "rod": [6]})
    seeds = seeds_of(labels, "cone", CLASSES, masks["cone"].shape)
    assert (seeds[5] == np.where(masks["cone"][5], INSIDE, OUTSIDE)).all()
    assert (seeds[6] == np.where(masks["rod"][6], OUTSIDE, UNSEEDED)).all()
    assert (seeds[[0, 1, 13, 14, 15]] == OUTSIDE).all()
    assert (seeds[[2, 3, 4, 7, 8, 9, 10, 11, 12]] == UNSEEDED).all()
    free = ClassTable(replace(entry, known=Knowledge(sharing="free")) for entry in CLASSES)
    assert (seeds_of(labels, "cone", free, masks["cone"].shape)[6] == UNSEEDED).all()


@needs_slicer
@pytest.mark.parametrize(("effect", "axis"), [(FILL, "k"), (GROW, "i")])
def test_an_effect_finds_what_lies_between_drawn_slices(tmp_path, effect, axis):
    case, masks = made_case(tmp_path, axis)
    slices = {"cone": [2, 7, 12], "rod": [4, 13]}
    found = masks_without_learning(effect, case, drawn(masks, slices, axis), CLASSES, tmp_path)
    for name, mask in masks.items():
        assert patient_dice(found[name], mask) > 0.9
        for index in slices[name]:
            assert (slice_stack(found[name], axis)[index] == slice_stack(mask, axis)[index]).all()
    assert not (tmp_path / "no mask.nrrd").exists()


@needs_slicer
def test_filling_goes_not_beyond_drawn_slices_and_growing_does(tmp_path):
    case, masks = made_case(tmp_path)
    labels = drawn(masks, {"cone": [7], "rod": [6, 8]})
    found = {effect: masks_without_learning(effect, case, labels, CLASSES, tmp_path) for effect in EFFECTS}
    shown = {key: np.flatnonzero(one["cone"].any((1, 2))).tolist() for key, one in found.items()}
    assert shown == {FILL: [7], GROW: [*range(2, 13)]}
    assert np.flatnonzero(found[FILL]["rod"].any((1, 2))).tolist() == [6, 7, 8]
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nrrd"]


def test_without_slicers_filters_it_is_said_what_is_missing(tmp_path, monkeypatch):
    case, masks = made_case(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError) as caught:
        masks_without_learning(GROW, case, drawn(masks, {"cone": [7]}), CLASSES, tmp_path)
    assert caught.value.code == "no_slicer_core"


@needs_slicer
@pytest.mark.parametrize("effect", EFFECTS)
def test_of_a_class_of_which_nothing_is_drawn_there_is_no_mask(tmp_path, effect):
    case, masks = made_case(tmp_path)
    found = masks_without_learning(effect, case, drawn(masks, {"cone": [2, 7, 12]}), CLASSES, tmp_path)
    assert found["cone"].any()
    assert not found["rod"].any()


@needs_slicer
def test_an_effect_that_fails_says_what_its_process_said(tmp_path):
    seeds = np.full((1, 2, 3, 4), INSIDE, np.uint8)
    with pytest.raises(UserError) as caught:
        run_effect(GROW, seeds, np.full(seeds.shape[1:], "no image"), (1.0, 1.0, 1.0), tmp_path)
    assert caught.value.code == "effect_failed"
    assert "ValueError" in caught.value.message
