"""Which of the objects that were followed is which class."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.engine.parts.object_choice import Look, Objects, assign, looks_of, unit

EXCLUSIVE, SHARED = np.eye(2, dtype=bool), np.ones((2, 2), bool)
ONE = np.eye(1, dtype=bool)
RED, BLUE = np.eye(2)
HERE, THERE = (0.3, 0.3), (0.8, 0.8)


def objects(fits, same=(), evident=None, looks=None, places=None, patient="a"):
    """Objects in places of their own, but for pairs that are the same."""
    fits = np.array(fits, float)
    common = np.eye(len(fits))
    for one, other in same:
        common[one, other] = common[other, one] = 1
    evident = np.ones_like(fits) if evident is None else np.array(evident, float)
    looks = np.tile(RED, (len(fits), 1)) if looks is None else np.array(looks)
    places = np.tile(HERE, (len(fits), 1)) if places is None else np.array(places)
    starts = np.zeros_like(fits, int)
    return Objects(patient, starts, np.zeros((*fits.shape, 4)), fits, evident, common, looks, places)


def numbers(chosen):
    return {column: one.numbers for column, one in chosen.items()}


def test_all_fits_together_decide_not_the_best_one_alone():
    chosen = assign(objects([[0.92, 0.85], [0.83, 0.72]]), EXCLUSIVE)
    assert numbers(chosen) == {0: [1], 1: [0]}


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_the_classes_changes_nothing(seed):
    random = np.random.default_rng(seed)
    fits, evident = random.uniform(0.4, 1, (2, 8, 4))
    same = [(0, 1), (2, 3), (3, 4)]
    order = random.permutation(4)
    apart = np.eye(4, dtype=bool)
    chosen = assign(objects(fits, same, evident), apart)
    other = assign(objects(fits[:, order], same, evident[:, order]), apart)
    assert {int(order[column]): one.numbers for column, one in other.items()} == numbers(chosen) != {}


def test_what_fits_no_class_is_none_and_of_two_in_the_same_place_the_better_stays():
    assert assign(objects([[0.4, 0.3]]), EXCLUSIVE) == {}
    assert assign(objects(np.zeros((0, 2))), EXCLUSIVE) == {}
    fits = [[0.9, 0.0], [0.0, 0.7]]
    assert numbers(assign(objects(fits, same=[(0, 1)]), EXCLUSIVE)) == {0: [0]}
    assert numbers(assign(objects(fits, same=[(0, 1)]), SHARED)) == {0: [0], 1: [1]}


def test_it_is_trusted_by_how_well_it_fits():
    trusts = [assign(objects([[fit]]), ONE)[0].trust for fit in (0.6, 0.7, 0.95)]
    assert trusts == pytest.approx([0.25, 0.5, 1])


def test_pieces_elsewhere_that_fit_alike_and_are_as_evident_belong_to_it():
    lungs = [[0.86], [0.79], [0.78]]
    assert numbers(assign(objects(lungs, same=[(0, 1)]), ONE)) == {0: [0, 2]}
    # What is less evident merely lies on the same slices; what fits less ends elsewhere.
    assert numbers(assign(objects(lungs, evident=[[1], [0.5], [0.9]]), ONE)) == {0: [0, 2]}
    assert numbers(assign(objects([[0.86], [0.7]]), ONE)) == {0: [0]}
    # Nor is it a piece of one class what is another.
    assert numbers(assign(objects([[0.9, 0.0], [0.8, 0.9]]), EXCLUSIVE)) == {0: [0], 1: [1]}


def test_a_piece_that_may_be_of_two_classes_is_of_neither_and_classes_that_share_pixels_have_pieces_in_common():
    fits = [[0.9, 0.8], [0.8, 0.9], [0.8, 0.8]]
    assert numbers(assign(objects(fits), EXCLUSIVE)) == {0: [0], 1: [1]}
    # The left lung is a piece of the lungs, too.
    lungs_and_left = objects([[0.9, 0.0], [0.85, 0.95]])
    assert numbers(assign(lungs_and_left, SHARED)) == {0: [0, 1], 1: [1]}
    assert numbers(assign(lungs_and_left, EXCLUSIVE)) == {0: [0], 1: [1]}


def test_where_several_fit_alike_but_not_surely_nothing_says_which_is_meant():
    assert assign(objects([[0.68], [0.65]]), ONE) == {}
    assert numbers(assign(objects([[0.68], [0.65]], evident=[[1], [0.5]]), ONE)) == {0: [0]}


def cohort(*seen):
    volumes = [objects(fits, looks=looks, places=places, patient=name) for name, fits, looks, places in seen]
    return volumes, [assign(each, ONE) for each in volumes]


SURE = [("b", [[0.9]], [RED], [HERE]), ("c", [[0.8]], [RED], [HERE])]


def test_of_what_fits_alike_that_is_taken_which_is_like_what_was_found_in_other_patients():
    for looks, places in (([BLUE, RED], [HERE, HERE]), ([RED, RED], [THERE, HERE])):
        volumes, alone = cohort(("a", [[0.66], [0.64]], looks, places), *SURE)
        assert alone[0] == {}
        chosen = assign(volumes[0], ONE, looks_of(volumes, alone, "a", 1))
        assert chosen[0].numbers == [1]
        assert chosen[0].trust == pytest.approx(0.53, abs=0.01)


def test_what_fits_is_left_out_where_it_looks_otherwise_and_less_is_enough_of_what_looks_alike():
    volumes, alone = cohort(("a", [[0.79]], [BLUE], [THERE]), ("d", [[0.45]], [RED], [HERE]), *SURE)
    assert [numbers(each) for each in alone[:2]] == [{0: [0]}, {}]
    found = [assign(each, ONE, looks_of(volumes, alone, each.patient, 1)) for each in volumes]
    assert found[0] == {}
    assert found[1][0].trust == pytest.approx(0.17, abs=0.02)


def test_what_alone_clearly_fits_is_it_though_others_look_otherwise():
    volumes, alone = cohort(("a", [[0.92], [0.6]], [BLUE, RED], [THERE, HERE]), *SURE)
    (found,) = assign(volumes[0], ONE, looks_of(volumes, alone, "a", 1)).values()
    assert (found.numbers, found.trust) == ([0], 1)
    # Of two that fit alike it is the one that is like what was found in others.
    volumes, alone = cohort(("a", [[0.92], [0.9]], [BLUE, RED], [THERE, HERE]), *SURE)
    (found,) = assign(volumes[0], ONE, looks_of(volumes, alone, "a", 1)).values()
    assert found.numbers == [1]


def test_nothing_is_known_of_a_look_from_the_patient_itself_from_one_other_or_from_what_is_not_sure():
    volumes, alone = cohort(("a", [[0.9]], [RED], [HERE]), ("a", [[0.9]], [RED], [HERE]), *SURE)
    assert looks_of(volumes, alone, "a", 1) != [None]
    assert looks_of(volumes, alone, "b", 1) != [None]
    assert looks_of(volumes[:3], alone[:3], "a", 1) == [None]
    volumes, alone = cohort(("b", [[0.65]], [RED], [HERE]), ("c", [[0.65]], [RED], [HERE]))
    assert looks_of(volumes, alone, "a", 1) == [None]
    assert looks_of([], [], "a", 1) == [None]


def test_what_looks_otherwise_in_each_patient_has_no_look_and_volumes_of_one_patient_do_not_speak_for_another():
    volumes, alone = cohort(("b", [[0.9]], [RED], [HERE]), ("c", [[0.9]], [BLUE], [HERE]))
    assert looks_of(volumes, alone, "a", 1) == [None]
    purple = unit(RED + BLUE)
    often = [("b", [[0.9]], [RED], [HERE])] * 10
    (look,) = looks_of(*cohort(*often, ("c", [[0.9]], [purple], [HERE])), "a", 1)
    assert look.cosine == pytest.approx(purple @ RED)


def test_places_count_by_how_far_those_of_the_class_lie_from_each_other():
    tumours = [("b", [[0.9]], [RED], [(0.1, 0.1)]), ("c", [[0.9]], [RED], [(0.9, 0.9)])]
    (anywhere,), (here,) = (looks_of(*cohort(*seen), "a", 1) for seen in (tumours, SURE))
    assert here.likeness(RED[None], np.array([HERE])) == pytest.approx(1)
    assert here.likeness(RED[None], np.array([THERE])) < 0.05
    assert anywhere.likeness(RED[None], np.array([THERE])) > 0.9


def test_a_map_is_high_where_cells_look_like_it_and_lie_there():
    cells = np.stack([np.ones((8, 8)), np.zeros((8, 8))])
    cells[:, :4] = BLUE[:, None, None]
    found = Look(unit(RED), 1.0, np.array([0.75, 0.75]), 0.1).map_of(cells)
    assert found[:4].max() == 0
    assert np.unravel_index(found.argmax(), found.shape) in [(5, 5), (5, 6), (6, 5), (6, 6)]
    assert found[6, 1] < 0.2 < 0.9 < found[6, 6]
