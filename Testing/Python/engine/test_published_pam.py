"""Prompt affinity mining as published: its choices, and each of its defects as a switch that is normally off."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from held_level import held
from scipy import ndimage

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.backbones.base import PromptKind
from WeakMedSAMLib.engine.features.embed import VolumeFeatures
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published import pam
from WeakMedSAMLib.engine.methods.published.dense import dense_affinity, published_walk
from WeakMedSAMLib.engine.methods.published.pam import (
    SIZE,
    believed_tags,
    decoder_of,
    mining_of,
    start_maps,
    volume_masks,
)
from WeakMedSAMLib.engine.methods.published.settings import PAPER, REFERENCE, Defect, PublishedSettings
from WeakMedSAMLib.engine.parts.affinity import (
    drop_border_pairs,
    give_away,
    random_walk,
    stencil_affinity,
    transposed_walk,
)
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.mining import GRID, Mining
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, UNKNOWN
from WeakMedSAMLib.engine.supervision.supervision import Supervision

DISC = np.hypot(*(np.mgrid[:SIZE, :SIZE] - 120)) < 40


class BrightBackbone:
    """Encodes a slice by its grey values, and answers a prompt with the piece of like grey around it.

    `shift` is added to what it encodes; `calls` counts slices that were encoded.
    """

    def __init__(self, shift=0.0, prompts=frozenset(PromptKind)):
        self.info = SimpleNamespace(
            name="bright",
            input_size=SIZE,
            decode_level="last",
            prompts=prompts,
            weights=SimpleNamespace(sha256="0"),
        )
        self.device, self.shift, self.calls, self.asked = torch.device("cpu"), shift, 0, []

    def embed(self, images):
        self.calls += len(images)
        return {"last": images + self.shift, "unused": images}

    def decode(self, features, boxes, rows):
        return self.decode_points(features, (boxes[:, :2] + boxes[:, 2:]) / 2, rows)

    def decode_points(self, features, points, rows):
        self.asked.append(points)
        images = features[rows, 0].float()
        columns, lines = points.long().clamp(0, SIZE - 1).T
        grey = images[torch.arange(len(images)), lines, columns]
        logits = 8 - 40 * (images - grey[:, None, None]).abs()
        return logits, torch.full((len(points),), 0.9)


def volume_of(images, tags):
    frame = Frame(SIZE, SIZE, 1.0, 1.0, SIZE)
    levels = held({"last": images[:, None].astype(np.float32) / 255})
    features = VolumeFeatures("key", levels, images)
    return VolumeSlices(
        "000", "patient", Supervision(np.array(tags, np.int8)), features, frame, Intensity("given", 0.0, 1.0)
    )


@pytest.fixture
def volume():
    """Four slices of a body with a disc in it; the third has none."""
    images = np.full((4, SIZE, SIZE), 60, np.uint8)
    images[:, :20] = images[:, -20:] = images[..., :20] = images[..., -20:] = 0
    images[[0, 1, 3]] = np.where(DISC, 200, images[0])
    return volume_of(images, [[PRESENT], [PRESENT], [ABSENT], [UNTAGGED]])


@pytest.fixture
def cells(volume):
    """Cell logits 4 x 1 x 32 x 32, high where the disc is and a bit beyond it."""
    rough = ndimage.gaussian_filter(DISC.astype(np.float32), 12)[4::8, 4::8]
    return np.stack([9 * rough - 1, 9 * rough - 1, np.full_like(rough, -1), 9 * rough - 1])[:, None].astype(np.float32)


def with_defects(*defects, **choices):
    return PublishedSettings(defects=defects, **choices)


def masks_of(volume, cells, settings, backbone=None, classifier=None):
    backbone = backbone or BrightBackbone()
    classifier = classifier or SimpleNamespace(adapted=False)
    indices, probability = volume_masks(volume, cells, decoder_of(volume, backbone, settings, classifier), settings)
    return indices, probability


def dice(mask, truth):
    return 2 * (mask & truth).sum() / (mask.sum() + truth.sum())


def test_every_defect_is_off_in_paper_and_on_in_reference():
    assert PAPER.defects == PublishedSettings().defects == ()
    assert not any(PAPER.has(defect) for defect in Defect)
    assert all(REFERENCE.has(defect) for defect in Defect)


def test_the_walk_sharpens_a_rough_map(volume, cells):
    indices, probability = masks_of(volume, cells, PAPER)
    assert indices.tolist() == [0, 1]
    assert probability.shape == (2, 1, SIZE, SIZE)
    rough = resize_maps(start_maps(cells[:1, 0], PAPER), SIZE)[0].numpy() > 0.5
    assert dice(probability[0, 0] > 0.5 * CERTAIN, DISC) > max(0.9, dice(rough, DISC))
    plain = masks_of(volume, cells, PublishedSettings(pam_steps=0))[1]
    assert not np.array_equal(plain, probability)


def test_a_small_piece_survives_the_blur_and_with_the_defect_it_does_not(volume):
    cells = np.full((4, 1, 32, 32), -1.0, np.float32)
    cells[:, :, 16, 16] = 5.0  # one cell: 8 x 8 pixels
    kept, lost = (
        masks_of(volume, cells, PublishedSettings(pam_steps=0, defects=defects))[1][0, 0]
        for defects in ((), (Defect.PEAK_BEFORE_BLUR,))
    )
    assert kept.max() == CERTAIN
    assert (kept > 0.5 * CERTAIN).sum() > 64 > (lost > 0.5 * CERTAIN).sum()


def test_points_lie_evenly_over_the_body_or_with_the_defect_in_its_corner(volume, cells):
    right, wrong = BrightBackbone(), BrightBackbone()
    masks_of(volume, cells, PAPER, right)
    masks_of(volume, cells, with_defects(Defect.GRID_IN_CORNER), wrong)
    points = right.asked[0][:16]
    assert points.min() == 20 + 215 / 8
    assert points.max() == 20 + 215 * 7 / 8
    assert wrong.asked[0][:16].unique().tolist() == [2, 6, 10, 14]


def test_encoding_for_every_prompt_gives_the_same_masks_more_slowly(volume, cells):
    once, each = BrightBackbone(), BrightBackbone()
    same = masks_of(volume, cells, PAPER, once)[1]
    again = masks_of(volume, cells, with_defects(Defect.ENCODE_PER_PROMPT), each)[1]
    assert once.calls == 0  # features are those of the cache
    assert each.calls == 16 * 2
    assert np.abs(same.astype(int) - again).max() <= 1


def test_summed_logits_lose_which_mask_a_pixel_is_in():
    # Two masks that are each other's negative: their sum is flat, so that the walk no longer sees the edge.
    logits = torch.where(torch.from_numpy(DISC), 8.0, -8.0)

    class TwoMasks(BrightBackbone):
        def decode_points(self, features, points, rows):
            signs = torch.where(torch.arange(len(points)) % 2 == 0, 1.0, -1.0)
            return signs[:, None, None] * logits, torch.ones(len(points))

    images = np.full((1, SIZE, SIZE), 100, np.uint8)
    volume = volume_of(images, [[PRESENT]])
    start = ndimage.gaussian_filter(DISC.astype(np.float32), 12)[None, None, 4::8, 4::8]
    walked = []
    for settings in (PublishedSettings(mask_weighting="equal", blur=0), with_defects(Defect.SUMMED_LOGITS, blur=0)):
        mask = masks_of(volume, start, settings, TwoMasks())[1][0, 0] / CERTAIN
        walked.append(np.abs(np.diff(mask, axis=1)).max())
    assert walked[0] > 2 * walked[1]


@pytest.mark.soak
def test_dense_affinity_changes_nothing_but_memory(volume, cells):
    for others in ((), (Defect.TRANSPOSED_WALK,), (Defect.TRANSPOSED_WALK, Defect.SUMMED_LOGITS)):
        stencil = masks_of(volume, cells, with_defects(*others))[1]
        dense = masks_of(volume, cells, with_defects(Defect.DENSE_AFFINITY, *others))[1]
        assert np.abs(stencil.astype(int) - dense).max() <= 1, others


def test_a_constant_map_stays_constant_and_with_the_transposed_matrix_does_not():
    flat = stencil_affinity(torch.zeros(1, 1, GRID, GRID), torch.ones(1, 1), 5, 4.0)
    constant = torch.ones(1, GRID, GRID)
    assert torch.allclose(random_walk(constant, flat, 5, 4), constant, atol=1e-5)
    step = give_away(constant, drop_border_pairs(flat, 5), 5)
    assert float(step.min()) == pytest.approx(0.24, abs=0.005)
    assert float(step.max()) == pytest.approx(5.77, abs=0.005)
    assert float(step.sum()) == pytest.approx(GRID * GRID, rel=1e-4)  # values are given away, none is lost


def test_the_transposed_walk_by_stencil_is_the_one_by_a_dense_matrix():
    generator = torch.Generator().manual_seed(5)
    mask, start = torch.rand(1, 1, 20, 17, generator=generator), torch.rand(1, 20, 17, generator=generator)
    affinity = drop_border_pairs(stencil_affinity(mask, torch.ones(1, 1), 5, 4.0), 5)
    dense = dense_affinity(mask[0], torch.ones(1), 5, 4.0, borders=False)
    assert torch.allclose(dense.sum(1), affinity.sum(1).flatten(), atol=1e-5)
    expected = published_walk(start[0], dense, 3)
    assert torch.allclose(transposed_walk(start, affinity, 5, 3)[0], expected, atol=1e-5)


def test_the_published_code_has_pairs_for_one_and_a_half_percent_of_its_matrix():
    flat = stencil_affinity(torch.zeros(1, 1, GRID, GRID), torch.ones(1, 1), 5, 4.0)
    assert float(drop_border_pairs(flat, 5).sum()) / GRID**4 == pytest.approx(0.014, abs=5e-4)


def test_tags_decide_which_slices_get_a_mask_and_with_the_defect_the_prediction_does(volume, cells):
    told = cells.copy()
    told[1], told[2] = -1, 2  # the classifier is wrong on both
    assert believed_tags(told, volume.tags, PAPER) is volume.tags
    assert masks_of(volume, told, PAPER)[0].tolist() == [0, 1]
    gate = with_defects(Defect.PREDICTED_GATE, pooling="top-k")
    assert masks_of(volume, told, gate)[0].tolist() == [0, 2]
    assert believed_tags(told, volume.tags, gate)[3, 0] == UNTAGGED


def test_negative_evidence_is_nothing_and_with_the_defect_turns_positive():
    cells = np.full((1, 32, 32), -2.0, np.float32)
    cells[0, :4, :4], cells[0, 20:, 20:] = 1.0, -6.0
    right, wrong = start_maps(cells, PAPER)[0], start_maps(cells, with_defects(Defect.NO_RELU))[0]
    background = (slice(4, 30), slice(34, 60))
    assert float(right[background].max()) == 0
    assert float(wrong[background].min()) > 0.5
    assert float(wrong.min()) == pytest.approx(0, abs=1e-3)


def test_every_class_is_mined_and_with_the_defect_only_the_first(volume, cells):
    both = np.concatenate([cells, np.flip(cells, -1)], 1)
    tags = np.repeat(volume.tags, 2, 1)
    two = volume_of(volume.features.image, tags)
    found = masks_of(two, both, PAPER)[1]
    first = masks_of(two, both, with_defects(Defect.FIRST_CLASS_ONLY))[1]
    assert (found > 0.5 * CERTAIN).any((0, 2, 3)).tolist() == [True, True]
    assert (first > 0.5 * CERTAIN).any((0, 2, 3)).tolist() == [True, False]
    assert np.array_equal(first[:, 0], found[:, 0])


def test_what_is_not_tagged_is_not_known(volume, cells):
    tags = np.concatenate([volume.tags, np.full_like(volume.tags, UNTAGGED)], 1)
    found = masks_of(volume_of(volume.features.image, tags), np.repeat(cells, 2, 1), PAPER)[1]
    assert (found[:, 1] == UNKNOWN).all()
    assert (found[:, 0] != UNKNOWN).all()


def test_masks_come_from_the_untouched_encoder_and_with_the_defect_from_the_adapted_one(volume, cells):
    class Moved(torch.nn.Module):
        def forward(self, images):
            return images.roll(60, -1)

    adapted = SimpleNamespace(adapted=True, encoder=Moved())
    untouched = masks_of(volume, cells, PAPER, classifier=adapted)[1]
    moved = masks_of(volume, cells, with_defects(Defect.ADAPTED_MASKS), classifier=adapted)[1]
    frozen = masks_of(volume, cells, with_defects(Defect.ADAPTED_MASKS))[1]
    assert np.array_equal(untouched, frozen)
    assert dice(untouched[0, 0] > 0.5 * CERTAIN, DISC) > dice(moved[0, 0] > 0.5 * CERTAIN, DISC)


def test_prompts_follow_the_backbone_and_boxes_can_be_asked_for():
    both, boxes = BrightBackbone(), BrightBackbone(prompts=frozenset([PromptKind.BOX]))
    assert mining_of(PAPER, both).prompts == "points"
    assert mining_of(PAPER, boxes).prompts == "boxes"
    assert mining_of(PublishedSettings(prompts="boxes"), both).prompts == "boxes"
    assert mining_of(PAPER, both) == Mining("points", "grid", 4, "quality", 5, 4.0, 4, 0.0)


@pytest.mark.parametrize("defect", [Defect.TRANSPOSED_WALK, Defect.DENSE_AFFINITY])
def test_neighbouring_slices_cannot_be_had_together_with_a_walk_of_one_slice(defect):
    with pytest.raises(UserError) as caught:
        mining_of(with_defects(defect, pam_z=1.0), BrightBackbone())
    assert caught.value.code == "bad_setting"
    assert "pam_z" in caught.value.message


def test_reference_as_a_whole_runs_on_a_backbone_of_boxes(volume, cells):
    boxes = BrightBackbone(prompts=frozenset([PromptKind.BOX]))
    indices, probability = masks_of(volume, cells, replace(REFERENCE, pooling="top-k"), boxes)
    assert indices.tolist() == [0, 1]
    assert boxes.calls == 16 * 2
    assert 0 < (probability > 0.5 * CERTAIN).mean() < 1


def test_the_blur_is_that_of_torchvision():
    spot = np.zeros((1, SIZE, SIZE), np.float32)
    spot[0, 100, 100] = 1
    blurred = pam.smooth_maps(spot, 21)
    line = np.exp(-0.5 * (np.arange(-10, 11) / 3.5) ** 2)
    assert np.allclose(blurred[0, 100, 90:111] / blurred[0, 100, 100], line, atol=1e-4)
    assert blurred[0, 100, 89] == 0
