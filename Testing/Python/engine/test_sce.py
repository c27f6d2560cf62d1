"""The slice classifier: pooling, planted patterns, and what must not influence it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from WeakMedSAMLib.contract.events import Progress
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.methods.fast.cam import activation_maps, slice_probabilities
from WeakMedSAMLib.engine.methods.fast.sce import TaggedSlices, train_classifier
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts.pooling import POOLED_SHARES, SHARPNESS, pool_cells

DIM, M = 8, 12


def quiet(event):
    pass


def tagged(patterns, patients=3, per_patient=24, seed=0, counts=None):
    """Noise with patterns: for each class the slices that show it, and the channel and corner of its pattern.

    `patterns` is a list of (share of slices shown, channel, (row, column)); tags follow the patterns.
    """
    generator = np.random.default_rng(seed)
    total = patients * per_patient
    projected = generator.normal(size=(total, DIM, M, M)).astype(np.float32)
    tags = np.full((total, len(patterns)), ABSENT, np.int8)
    for column, (shown, channel, (row, place)) in enumerate(patterns):
        here = shown(np.arange(total))
        tags[here, column] = PRESENT
        projected[here, channel, row : row + 3, place : place + 3] += 4
    sub_classes = np.where(tags == PRESENT, 0, -1)
    return TaggedSlices(
        projected=[torch.from_numpy(one) for one in projected],
        tags=tags,
        novelty=np.zeros((*tags.shape, M, M), np.float32),
        sub_classes=sub_classes,
        counts=counts or (1,) * len(patterns),
        patients=np.repeat([f"patient {n}" for n in range(patients)], per_patient),
    )


def odd(n):
    return n % 2 == 1


def trained(slices, steps=60, seed=0, guidance=3.0, weight=0.5, report=quiet, start=None):
    settings = FastSettings(classifier_steps=steps, sub_class_weight=weight, guidance=guidance, seed=seed)
    return train_classifier(slices, settings, report, start)


def maps_of(model, slices):
    return activation_maps(model, [torch.stack(list(slices.projected))])


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def peaks_within(maps, row, column):
    """Share of H x W maps whose peak lies in the 3 x 3 cells of a pattern."""
    places = [np.unravel_index(one.argmax(), one.shape) for one in maps]
    return np.mean([row <= y < row + 3 and column <= x < column + 3 for y, x in places])


def test_pooling_takes_the_mean_of_the_best_shares_of_cells():
    cells = torch.randn(3, 2, 20, 20)
    ordered = cells.flatten(2).sort(2, descending=True).values
    expected = torch.stack([ordered[..., : round(share * 400)].mean(2) for share in POOLED_SHARES], 2)
    assert torch.allclose(pool_cells(cells), expected, atol=1e-6)


def test_pooling_takes_one_cell_at_least():
    cells = torch.randn(2, 1, 3, 3)
    assert torch.equal(pool_cells(cells)[..., 0], cells.amax((2, 3)))


def test_the_average_is_that_of_all_cells_whatever_the_guide_says():
    cells = torch.randn(3, 2, 20, 20)
    assert torch.allclose(pool_cells(cells, kind="average")[..., 0], cells.mean((2, 3)))
    assert torch.equal(pool_cells(cells, torch.randn_like(cells), "average"), pool_cells(cells, kind="average"))


def test_log_sum_exp_lies_between_mean_and_maximum_as_its_formula_says():
    cells = torch.randn(3, 2, 20, 20)
    found = pool_cells(cells, kind="log-sum-exp")[..., 0]
    assert torch.allclose(found, (SHARPNESS * cells).exp().mean((2, 3)).log() / SHARPNESS, atol=1e-5)
    assert (found > cells.mean((2, 3))).all()
    assert (found < cells.amax((2, 3))).all()


def test_the_guide_weighs_the_cells_of_log_sum_exp():
    cells, guide = torch.randn(1, 1, 10, 10), torch.zeros(1, 1, 10, 10)
    plain = pool_cells(cells, kind="log-sum-exp")
    assert torch.allclose(pool_cells(cells, guide, "log-sum-exp"), plain, atol=1e-6)
    guide[0, 0, 2, 3] = 100
    assert torch.allclose(pool_cells(cells, guide, "log-sum-exp")[0, 0, 0], cells[0, 0, 2, 3], atol=1e-5)


@pytest.mark.parametrize("kind", ["average", "log-sum-exp"])
def test_a_planted_pattern_is_found_with_every_kind_of_pooling(kind):
    slices = tagged([(odd, 2, (4, 6))])
    model, _ = train_classifier(slices, FastSettings(classifier_steps=60, pooling=kind), quiet)
    maps = maps_of(model, slices)
    present = slices.tags[:, 0] == PRESENT
    likely = slice_probabilities(maps, kind)[:, 0]
    assert likely[present].mean() > likely[~present].mean() + 0.2
    assert peaks_within(maps[present, 0], 4, 6) > 0.9


def test_a_guide_says_where_the_best_cells_are_but_not_what_they_are_worth():
    cells = torch.randn(1, 1, 10, 10)
    guide = torch.zeros(1, 1, 10, 10)
    guide[0, 0, 2, 3] = 100
    assert torch.equal(pool_cells(cells, guide)[0, 0, 0], cells[0, 0, 2, 3])
    assert torch.equal(pool_cells(cells, torch.zeros_like(guide)), pool_cells(cells))


def test_only_the_best_cells_learn():
    cells = torch.randn(1, 1, 20, 20, requires_grad=True)
    pool_cells(cells).sum().backward()
    moved = cells.grad[0, 0] != 0
    assert moved.sum() == round(max(POOLED_SHARES) * 400)
    assert cells[0, 0][moved].min() >= cells[0, 0][~moved].max()


def test_a_planted_pattern_is_found_slice_by_slice_and_cell_by_cell():
    slices = tagged([(odd, 2, (4, 6))])
    model, loss = trained(slices)
    assert loss is None
    maps = maps_of(model, slices)
    likely = slice_probabilities(maps)[:, 0]
    present = slices.tags[:, 0] == PRESENT
    assert likely[present].min() > likely[~present].max()
    assert peaks_within(maps[present, 0], 4, 6) > 0.95


def test_a_pattern_that_often_comes_along_is_not_mistaken_for_the_class():
    mostly = lambda n: odd(n) & (n % 10 != 1) | (n % 20 == 0)  # noqa: E731
    slices = tagged([(odd, 2, (1, 1)), (mostly, 5, (8, 8))])
    model, _ = trained(slices, steps=120)
    maps = maps_of(model, slices)
    both = (slices.tags == PRESENT).all(1)
    assert both.sum() > 20
    assert peaks_within(maps[both, 0], 1, 1) > 0.9
    assert peaks_within(maps[both, 1], 8, 8) > 0.9


def test_novelty_decides_between_patterns_that_always_come_together():
    slices = tagged([(odd, 2, (1, 1)), (odd, 5, (8, 8))])
    one = replace(slices, tags=slices.tags[:, :1], sub_classes=slices.sub_classes[:, :1], counts=(1,))
    guide = np.zeros((len(one.tags), 1, M, M), np.float32)
    guide[one.tags[:, 0] == PRESENT, 0, 8:11, 8:11] = 4
    model, _ = trained(replace(one, novelty=guide), steps=40)
    present = one.tags[:, 0] == PRESENT
    assert peaks_within(maps_of(model, one)[present, 0], 8, 8) > 0.9


def test_sub_classes_are_learned_apart():
    first, second = (lambda n: n % 4 == 1), (lambda n: n % 4 == 3)
    slices = tagged([(first, 2, (1, 1)), (second, 5, (8, 8))])
    cluster = np.where(slices.tags[:, :1] == PRESENT, 0, np.where(slices.tags[:, 1:] == PRESENT, 1, -1))
    tags = np.where(cluster >= 0, PRESENT, ABSENT).astype(np.int8)
    merged = replace(slices, tags=tags, sub_classes=cluster, counts=(2,), novelty=slices.novelty[:, :1])
    model, _ = trained(merged, steps=120)
    with torch.no_grad():
        _, secondary = model(torch.stack(list(merged.projected)))
    scores = pool_cells(secondary).mean(-1).numpy()
    assert scores.shape[1] == 2
    for own in range(2):
        here = cluster[:, 0] == own
        assert scores[here, own].min() > scores[~here, own].max()


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    slices = tagged([(odd, 2, (4, 6))])
    assert same(trained(slices, 10)[0], trained(slices, 10)[0])
    assert not same(trained(slices, 10)[0], trained(slices, 10, seed=1)[0])


def test_what_is_said_of_untagged_entries_changes_nothing():
    slices = tagged([(odd, 2, (4, 6)), (lambda n: n % 3 == 0, 5, (8, 1))], counts=(1, 2))
    tags = slices.tags.copy()
    unknown = np.zeros_like(tags, bool)
    unknown[::4, 1] = True
    tags[unknown] = UNTAGGED
    calm = replace(slices, tags=tags)
    scrambled = replace(calm, novelty=calm.novelty.copy(), sub_classes=calm.sub_classes.copy())
    scrambled.novelty[unknown] = np.random.default_rng(0).normal(size=(unknown.sum(), M, M)) * 5
    scrambled.sub_classes[unknown] = 1
    assert same(trained(calm, 20)[0], trained(scrambled, 20)[0])


def test_slices_without_any_tag_change_nothing():
    slices = tagged([(odd, 2, (4, 6))])
    extra = 6
    more = replace(
        slices,
        projected=[*slices.projected, *torch.randn(extra, DIM, M, M) * 20],
        tags=np.concatenate([slices.tags, np.full((extra, 1), UNTAGGED, np.int8)]),
        novelty=np.concatenate([slices.novelty, np.ones((extra, 1, M, M), np.float32)]),
        sub_classes=np.concatenate([slices.sub_classes, np.full((extra, 1), -1)]),
        patients=np.concatenate([slices.patients, slices.patients[:extra]]),
    )
    assert same(trained(slices, 20)[0], trained(more, 20)[0])


def test_from_five_patients_on_the_length_is_chosen_on_patients_left_out():
    events = []
    model, loss = trained(tagged([(odd, 2, (4, 6))], patients=5, per_patient=12), steps=150, report=events.append)
    assert 0 < loss < 0.3
    assert all(isinstance(event, Progress) and 0 < event.done <= event.total for event in events)
    assert not model.training


def test_tags_that_mean_nothing_do_badly_on_patients_left_out():
    slices = tagged([(odd, 2, (4, 6))], patients=6, per_patient=12)
    shuffled = replace(slices, tags=np.random.default_rng(0).permutation(slices.tags))
    assert trained(shuffled, 150)[1] > 2 * trained(slices, 150)[1]


def test_training_goes_on_from_a_model_trained_before():
    slices = tagged([(odd, 2, (4, 6))])
    before, _ = trained(slices, 60)
    onwards, _ = trained(slices, 1, start=before)
    fresh, _ = trained(slices, 1)
    present = slices.tags[:, 0] == PRESENT
    assert not same(onwards, before)
    assert peaks_within(maps_of(onwards, slices)[present, 0], 4, 6) > 0.95
    assert peaks_within(maps_of(fresh, slices)[present, 0], 4, 6) < 0.5


@pytest.mark.parametrize("tag", [PRESENT, ABSENT])
def test_a_class_that_is_only_present_or_only_absent_is_no_crash(tag):
    slices = tagged([(odd, 2, (4, 6)), (odd, 5, (8, 8))])
    slices.tags[:, 1] = tag
    model, _ = trained(slices, 20)
    assert all(torch.isfinite(weights).all() for weights in model.parameters())
