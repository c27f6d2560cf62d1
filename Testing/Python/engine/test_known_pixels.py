"""Known pixels at the size at which the stages learn: what they are, what they weigh, and where walks begin."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast import segmenter
from WeakMedSAMLib.engine.methods.fast.cohort_masks import choose_slices
from WeakMedSAMLib.engine.methods.fast.given import GivenMasks, by_reader
from WeakMedSAMLib.engine.methods.fast.known import known_on, put_known, with_known
from WeakMedSAMLib.engine.parts.affinity import random_walk, stencil_affinity
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.pseudo_masks import PseudoMask
from WeakMedSAMLib.engine.parts.quality import expected_dice, no_surer_than
from WeakMedSAMLib.engine.parts.slice_votes import Vote, dice_of_sides
from WeakMedSAMLib.engine.parts.walked_votes import at_grey_edges
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN, UNKNOWN, KnownPixels
from WeakMedSAMLib.engine.supervision.supervision import BoxOnSlices, PointOnSlice, Supervision


def volume_of(pixels, tags=None, **said):
    """A volume of which these pixels C x h x w are known on its slice 1."""
    tags = np.full((3, len(pixels)), PRESENT, np.int8) if tags is None else tags
    supervision = Supervision(tags, KnownPixels([1], lambda _: pixels), **said)
    frame = Frame(*pixels.shape[1:], 1, 1, 256)
    return VolumeSlices("000", "p", supervision, SimpleNamespace(), frame, Intensity("given", 0, 1))


def unknown(size=512, classes=1):
    return np.full((classes, size, size), UNKNOWN, np.uint8)


# What is known of a cell


@pytest.mark.parametrize("value", [SHOWN, NOT_SHOWN])
@pytest.mark.parametrize("size", [100, 256, 512])
@pytest.mark.parametrize("place", [(0, 0), (45, 63), (50, 50), (99, 98)])
def test_a_single_pixel_is_known_in_its_cell_and_far_from_it_nothing_is(value, size, place):
    pixels = unknown(size)
    pixels[0][place] = value
    found = known_on(volume_of(pixels), 1, TARGET)[0]
    row, column = (int((at + 0.5) * TARGET / size) for at in place)
    assert found[row, column] == value
    near = np.zeros_like(found, bool)
    near[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3] = True
    assert (found[~near] == UNKNOWN).all()


@pytest.mark.parametrize("value", [SHOWN, NOT_SHOWN])
def test_a_stroke_of_one_pixel_is_unbroken(value):
    pixels = unknown()
    pixels[0, 301, 100:200] = value
    assert (known_on(volume_of(pixels), 1, TARGET)[0, 75, 25:50] == value).all()


def test_a_drawn_slice_is_neither_larger_nor_smaller():
    rows, columns = np.mgrid[:512, :512]
    disc = np.hypot(rows - 250, columns - 260) < 41
    found = known_on(volume_of(disc[None].astype(np.uint8)), 1, TARGET)[0]
    assert not (found == UNKNOWN).any()
    assert (found == SHOWN).sum() * 16 == pytest.approx(disc.sum(), rel=0.02)
    # The coarser cells of the classifier show it wherever it is: this one lies in the disc by less than a quarter.
    coarse = [known_on(volume_of(disc[None].astype(np.uint8)), 1, 32, any_shown)[0] for any_shown in (False, True)]
    assert [one[13, 14] for one in coarse] == [NOT_SHOWN, SHOWN]


def test_the_edge_of_a_box_takes_nothing_of_the_class_and_what_was_said_inside_stays():
    pixels = np.zeros((1, 512, 512), np.uint8)
    box = BoxOnSlices(0, (1, 1), (101, 202), (101, 202), complete=True)
    pixels[0][box.inside] = UNKNOWN
    pixels[0, 150, 150] = NOT_SHOWN
    found = known_on(volume_of(pixels, boxes=(box,)), 1, TARGET)[0]
    assert found[37, 37] == NOT_SHOWN
    inside = found[25:51, 25:51]  # three quarters of the cells at its edge lie in the box
    assert (inside == NOT_SHOWN).sum() == 1
    assert (found[:25] == NOT_SHOWN).all()


def test_where_a_class_is_known_those_that_exclude_it_are_not():
    pixels = unknown(classes=2)
    pixels[0, 33, 47], pixels[1, 33, 47] = SHOWN, NOT_SHOWN
    assert known_on(volume_of(pixels), 1, TARGET)[:, 8, 11].tolist() == [SHOWN, NOT_SHOWN]


# What the network learns


def slope(monkeypatch, volume, mask, flip):
    """How much the loss of a slice depends on each pixel that a network draws: C x h x w."""
    answer = torch.zeros((1, *mask.probability.shape), requires_grad=True)
    monkeypatch.setattr(segmenter, "_logits", lambda *_: [answer])
    segmenter._loss(None, [volume], [mask], flip, torch.device("cpu")).backward()
    return answer.grad[0].numpy()


@pytest.mark.parametrize("flip", [False, True])
def test_known_pixels_count_in_full_beside_a_guess(monkeypatch, flip):
    pixels = unknown(256, classes=2)
    pixels[0, 20:40, 60:90] = NOT_SHOWN
    volume = volume_of(pixels)
    values = np.zeros((2, TARGET, TARGET), np.uint8)
    mask = with_known(PseudoMask(0, 1, values, np.float32([0, 1]), np.float32([0.3, 1])), volume)
    found = slope(monkeypatch, volume, mask, flip)
    found = found[..., ::-1] if flip else found
    assert found[0, 10:20, 30:45] == pytest.approx(np.full((10, 15), found[1, 0, 0]))
    assert found[0, 50, 50] / found[1, 0, 0] == pytest.approx(0.3)
    plain = with_known(PseudoMask(0, 2, values, 0.0, 0.3), volume)
    assert plain.known is None
    assert slope(monkeypatch, volume, plain, flip)[0].std() == 0


def test_slices_that_only_say_what_is_not_the_class_are_learned_from():
    tags = np.full((3, 2), UNTAGGED, np.int8)
    tags[0, 0] = PRESENT
    pixels = unknown(classes=2)
    pixels[0, :40] = NOT_SHOWN
    assert choose_slices([volume_of(pixels, tags)], 5)[0].tolist() == [0, 1]
    values = np.full((2, TARGET, TARGET), UNKNOWN, np.uint8)
    put_known(values, volume_of(pixels, tags), 1)
    assert (values[0, :10] == 0).all()
    assert (values[0, 11:] == UNKNOWN).all()
    # A slice without any class is background as it is.
    tags[1] = ABSENT
    assert choose_slices([volume_of(pixels, tags)], 5)[0].tolist() == [0]


# Where walks begin


def test_seeds_stay_in_the_walk_and_draw_their_surroundings_with_them():
    maps = torch.full((1, 12, 12), 0.5)
    affinity = stencil_affinity(torch.zeros(1, 1, 12, 12), torch.ones(1, 1), 3, 6.0)
    seeds = torch.full((1, 12, 12), torch.nan)
    seeds[0, 2, 2], seeds[0, 9, 9] = 1, 0
    found = random_walk(maps, affinity, 3, 4, seeds=seeds)[0]
    assert (found[2, 2], found[9, 9]) == (1, 0)
    assert found[2, 3] > 0.5 > found[9, 8]
    nothing = torch.full_like(seeds, torch.nan)
    assert torch.equal(random_walk(maps, affinity, 3, 4, seeds=nothing), random_walk(maps, affinity, 3, 4))


def test_known_pixels_are_seeds_at_grey_edges_whatever_was_drawn():
    grey = np.full((2, TARGET, TARGET), 0.2, np.float32)
    grey[:, 20:60, 20:60] = 0.8
    masks = np.zeros_like(grey)
    masks[:, 20:60, 20:60], masks[:, 30:50, 30:50] = 0.6, 0.9
    known = np.full(grey.shape, UNKNOWN, np.uint8)
    known[0, 35:45, 35:45], known[1, 90:92, 90:92] = NOT_SHOWN, SHOWN
    walked = at_grey_edges(masks, np.arange(2), grey, known)
    assert (walked[0, 35:45, 35:45] == 0).all()
    assert (walked[1, 90:92, 90:92] == 1).all()
    plain = at_grey_edges(masks, np.arange(2), grey)
    # They speak of what lies around them, on the slice beside, too; not of what is sure.
    unsure = (masks[1] == np.float32(0.6)) & (plain[1] < 1)
    assert walked[0][unsure].mean() <= plain[0][unsure].mean()
    assert walked[1, 85:97, 85:97].mean() > plain[1, 85:97, 85:97].mean()
    nothing = np.full_like(known, UNKNOWN)
    assert np.array_equal(at_grey_edges(masks, np.arange(2), grey, nothing), plain)


def test_what_a_reader_gave_is_of_the_classes_that_were_shown_in_this_volume():
    pixels = unknown(classes=3)
    pixels[2] = 0
    pixels[2, 5, 5] = SHOWN
    given = GivenMasks(np.array([0]), np.zeros((1, 3, TARGET, TARGET), np.uint8), np.ones((1, 3), np.float32))
    point = PointOnSlice(1, 0, 3, 3, shows=False)
    assert by_reader(volume_of(pixels, points=(point,)), given).trust.tolist() == [[0, 0, 1]]
    box = BoxOnSlices(0, (0, 0), (1, 5), (1, 5), complete=False)
    assert by_reader(volume_of(unknown(classes=3), boxes=(box,)), given).trust.tolist() == [[1, 0, 0]]
    assert by_reader(volume_of(pixels), None) is None


# Doubt between drawn slices


def test_two_sides_have_a_dice_where_both_came():
    one, other = np.zeros((8, 8), np.float32), np.zeros((8, 8), np.float32)
    one[:4], other[:, :4] = 1, 1
    votes = [(3, Vote(one, 0.9)), (4, Vote(one, 0.9)), (4, Vote(other, 0.2)), (5, Vote(0 * one, 0.9))]
    assert dice_of_sides(votes) == {4: 0.5}


def test_no_more_is_expected_than_the_dice_of_two_sides():
    agreement = np.array([0.97, 0.97, 0.6, np.nan], np.float32)
    found = no_surer_than(np.array([0.7, 1, 0.9, 0.2]), agreement)
    assert expected_dice(found)[0] == pytest.approx(0.7)
    assert found[1:3] == pytest.approx([0.97, 0.6])
    assert np.isnan(found[3])
