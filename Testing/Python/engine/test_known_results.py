"""What is known is in the result exactly, and a slice that shows a class never comes out empty."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.engine.data.geometry import Geometry, slice_stack
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast.given import GivenMasks, blend, known_cells
from WeakMedSAMLib.engine.methods.fast.known import put_known
from WeakMedSAMLib.engine.parts.assembly import DrawnClass, assemble_result
from WeakMedSAMLib.engine.parts.components import inner_part
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN, UNKNOWN, KnownPixels
from WeakMedSAMLib.engine.supervision.supervision import BoxOnSlices, Supervision

SIZE, TABLE = (30, 24, 5), ClassTable.from_names(["a", "b"])


def drawn(value, indices=(0, 1, 2), size=64):
    masks = np.full((len(indices), size, size), value, np.float32)
    return DrawnClass(masks, np.array(indices), np.ones(len(indices), np.float32), np.full(5, 0.9, np.float32))


def assembled(axis, supervision, classes, spacing=(1.0, 2.0, 3.0)):
    geometry = Geometry((0, 0, 0), spacing, tuple(np.diag([-1.0, 1.0, 1.0]).ravel()), SIZE)
    rows, columns = slice_stack(np.zeros(SIZE[::-1]), axis).shape[1:]
    frame = Frame(rows, columns, 1.0, 1.0, 64)
    volume = VolumeSlices("000", "p", supervision, SimpleNamespace(), frame, Intensity("given", 0, 1))
    source = SimpleNamespace(axis=axis, scan=SimpleNamespace(geometry=geometry))
    return assemble_result(source, volume, TABLE, classes, 3)


def test_slices_of_which_all_pixels_of_a_class_are_known_are_sure():
    pixels = np.full((2, 24, 30), UNKNOWN, np.uint8)
    pixels[0], pixels[1, 0, 0] = NOT_SHOWN, SHOWN
    pixels[0, 3:9, 3:9] = SHOWN
    tags = np.full((5, 2), PRESENT, np.int8)
    unsure = [replace(drawn(0.9), agreement=np.full(3, 0.2)) for _ in range(2)]
    known = Supervision(tags, KnownPixels([1], lambda _index: pixels))
    quality = assembled("k", known, unsure).quality
    assert quality.classes["a"].slice_confidence[:3] == [0.2, 1.0, 0.2]
    assert quality.classes["b"].slice_confidence[1] == 0.2


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_known_pixels_are_in_the_result_to_the_voxel(axis):
    count = SIZE["ijk".index(axis)]
    rows, columns = slice_stack(np.zeros(SIZE[::-1]), axis).shape[1:]
    pixels = np.random.default_rng(0).choice([SHOWN, NOT_SHOWN, UNKNOWN], (2, rows, columns)).astype(np.uint8)
    pixels[1][pixels[0] == SHOWN] = NOT_SHOWN
    known = KnownPixels([2], lambda _: pixels)
    presence = np.full((count, 2), PRESENT, np.int8)
    presence[1, 1] = ABSENT
    supervision = Supervision(presence, known)
    likely = np.full(count, 0.9, np.float32)
    classes = [replace(drawn(value), likely=likely) for value in (0.8, 0.6)]
    result = assembled(axis, supervision, classes)
    labels = slice_stack(result.layers[0], axis)[2]
    for column, value in enumerate(TABLE.label_values):
        assert (labels[pixels[column] == SHOWN] == value).all()
        assert not (labels[pixels[column] == NOT_SHOWN] == value).any()
        probability = slice_stack(result.probabilities[value], axis)[2]
        assert (probability[pixels[column] == SHOWN] == 255).all()
        assert (probability[pixels[column] == NOT_SHOWN] == 0).all()
    assert (slice_stack(result.layers[0], axis)[1] == TABLE.label_values[0]).all()


def test_a_slice_that_shows_a_class_is_not_empty_and_its_guess_is_not_trusted():
    presence = np.array([[PRESENT, PRESENT]] * 3 + [[ABSENT, ABSENT]] * 2, np.int8)
    weak = drawn(0.1)
    weak.masks[1, 20:30, 20:30] = 0.4
    result = assembled("k", Supervision(presence), [drawn(0.0), weak], (1.0, 1.0, 1.0))
    value = TABLE.label_values[1]
    assert 20 < np.count_nonzero(result.layers[0][1] == value) < 60
    assert not result.layers[0][3:].any()
    quality = result.quality.classes["b"]
    assert quality.slice_confidence[1] == 0
    assert not quality.present_without_mask


def test_a_guess_is_the_inner_part_of_what_the_nearest_slice_of_its_stretch_has():
    presence = np.array([[PRESENT, ABSENT]] * 3 + [[ABSENT, ABSENT]] + [[PRESENT, ABSENT]], np.int8)
    one = drawn(0.0, (0, 1, 2, 4))
    one.masks[2, 6:40, 6:40] = 0.9
    one.masks[0, 10:14, 50:54] = 0.45  # likelier, but beside what it should go on from
    one.masks[3, 8:20, 44:56] = 0.3  # of a stretch of its own
    pixels = np.full((2, 24, 30), UNKNOWN, np.uint8)
    pixels[0, 8:11] = NOT_SHOWN
    supervision = Supervision(presence, KnownPixels([1], lambda _index: pixels))
    result = assembled("k", supervision, [replace(one, agreement=np.ones(4)), drawn(0.0)], (1.0, 1.0, 1.0))
    farthest, near, own, absent, other = result.layers[0] == TABLE.label_values[0]
    assert np.count_nonzero(own) > 200
    inner = inner_part(own, 0.5)
    assert np.count_nonzero(inner) == pytest.approx(np.count_nonzero(own) / 2, rel=0.3)
    assert not (inner & ~ndimage.binary_erosion(own)).any()
    assert (near == (inner & (pixels[0] != NOT_SHOWN))).all()
    assert (farthest == inner_part(own, 0.25)).all()
    assert not absent.any()
    assert other.any()
    assert not (other & own).any()
    assert result.quality.classes["a"].slice_confidence[1] == 0


def test_a_guess_takes_pixels_of_others_only_where_none_is_free():
    presence = np.array([[PRESENT, PRESENT]] * 3 + [[ABSENT, ABSENT]] * 2, np.int8)
    strong, weak = drawn(0.0), drawn(0.2)
    strong.masks[:, :, :32] = 0.9
    weak.masks[:, 10:20, 10:20] = 0.45
    result = assembled("k", Supervision(presence), [strong, weak], (1.0, 1.0, 1.0))
    both = result.layers[0][0]
    assert {int(value) for value in np.unique(both)} == {*TABLE.label_values}
    assert (both[:, :12] == TABLE.label_values[0]).all()


def test_what_was_given_takes_the_place_of_what_was_guessed_as_far_as_it_is_believed():
    guessed = np.full((2, 4, 4), CERTAIN, np.uint8)
    given = np.full((2, 4, 4), 255, np.uint8)
    given[0] = np.where(np.arange(4) < 2, CERTAIN, 0)
    exclusive, free = np.eye(2, dtype=bool), np.ones((2, 2), bool)
    mixed = blend(guessed, given, np.array([1.0, 0.0]), exclusive, 1.0)
    assert np.array_equal(mixed[0], given[0])
    assert mixed[1].tolist() == [[0, 0, CERTAIN, CERTAIN]] * 4
    assert (blend(guessed, given, np.array([1.0, 0.0]), free, 1.0)[1] == CERTAIN).all()
    half = blend(guessed, given, np.array([0.5, 0.0]), exclusive, 1.0)
    assert half[0, 0].tolist() == [CERTAIN, CERTAIN, CERTAIN // 2, CERTAIN // 2]
    guesses_count_less = blend(guessed, given, np.array([0.5, 0.0]), exclusive, 0.25)
    assert guesses_count_less[0, 0].tolist() == [CERTAIN, CERTAIN, round(CERTAIN / 5), round(CERTAIN / 5)]
    unknown = np.full_like(guessed, 255)
    assert np.array_equal(blend(unknown, given, np.array([0.5, 0.0]), exclusive, 1.0)[0], given[0])
    assert (blend(unknown, given, np.array([0.5, 0.0]), exclusive, 1.0)[1] == 255).all()


@pytest.mark.parametrize("complete", [True, False])
def test_cells_are_known_where_masks_are_believed_and_outside_of_them_where_all_was_boxed(complete):
    box = BoxOnSlices(0, (1, 1), (0, 5), (0, 5), complete)
    supervision = Supervision(np.full((3, 2), PRESENT, np.int8), boxes=(box,))
    volume = VolumeSlices("000", "p", supervision, SimpleNamespace(), Frame(64, 64, 1, 1, 64), Intensity("given", 0, 1))
    masks = np.full((2, 2, 128, 128), 255, np.uint8)
    masks[:, 0] = 0
    masks[:, 0, :64] = CERTAIN
    given = GivenMasks(np.array([1, 2]), masks, np.array([[1, 0], [0.2, 0]], np.float32))
    found = known_cells(volume, given, 32)
    assert (found[1, 0, :16] == SHOWN).all()
    assert (found[1, 0, 16:] == (NOT_SHOWN if complete else UNKNOWN)).all()
    assert (found[[0, 2]] == UNKNOWN).all()
    assert (found[:, 1] == UNKNOWN).all()
    assert known_cells(volume, None, 32) is None


def test_what_labels_say_is_in_what_the_network_learns():
    pixels = np.full((2, 64, 64), UNKNOWN, np.uint8)
    pixels[0, :, 32:] = NOT_SHOWN
    pixels[0, 5, 7] = SHOWN
    supervision = Supervision(np.full((3, 2), PRESENT, np.int8), KnownPixels([1], lambda _: pixels))
    volume = VolumeSlices("000", "p", supervision, SimpleNamespace(), Frame(64, 64, 1, 1, 64), Intensity("given", 0, 1))
    values = np.full((2, 128, 128), 100, np.uint8)
    put_known(values, volume, 0)
    assert (values == 100).all()
    put_known(values, volume, 1)
    assert (values[0, :, 65:] == 0).all()
    assert values[0, 11, 15] == CERTAIN
    assert (values[0, 40:, :62] == 100).all()
    assert (values[1] == 100).all()
    assert known_cells(volume, None, 32)[1, 0, 2, 3] == SHOWN
