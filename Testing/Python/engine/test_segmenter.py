"""The segmentation network: a planted thing, ignored pixels, folded standardisation, repeatability."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from held_level import HeldLevel, held

from WeakMedSAMLib.contract.events import Progress
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.features.embed import VolumeFeatures
from WeakMedSAMLib.engine.features.levels import CAM
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.fast import segmenter as module
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter, segment, train_segmenter
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.pseudo_masks import (
    CERTAIN,
    IGNORED,
    UNKNOWN,
    PseudoMask,
    encode_probability,
    targets_of,
)
from WeakMedSAMLib.engine.supervision.supervision import Supervision

CPU = torch.device("cpu")
CHANNELS = {"stage0": 6, "last": 4}
SLICES = 8


def quiet(event):
    pass


def volume(seed=0, slices=SLICES):
    """Levels in which a rectangle shows, and its masks at 128 x 128; it is on the first half of the slices only."""
    generator = np.random.default_rng(seed)
    masks = np.zeros((slices, TARGET, TARGET), bool)
    for index in range(slices // 2):
        top, left = generator.integers(10, 60, 2)
        masks[index, top : top + 40, left : left + 50] = True
    cells = masks.reshape(slices, 64, 2, 64, 2).mean((2, 4))
    levels = {
        name: (generator.normal(5, 20, (slices, count, 64, 64))).astype(np.float16) for name, count in CHANNELS.items()
    }
    levels["stage0"][:, 2] += (cells * 60).astype(np.float16)
    image = generator.integers(60, 120, (slices, 256, 256)).astype(np.uint8)
    image += (masks.repeat(2, 1).repeat(2, 2) * 100).astype(np.uint8)
    tags = np.where(masks.any((1, 2)), PRESENT, ABSENT).astype(np.int8)[:, None]
    features = VolumeFeatures("key", held(levels), image)
    return VolumeSlices(
        "000", "one", Supervision(tags), features, Frame(256, 256, 1, 1, 256), Intensity("given", 0, 1)
    ), masks


def taught(masks, band=0):
    """Pseudo-masks of the slices that show something; `band` rows at their top are uncertain."""
    lessons = []
    for index in np.flatnonzero(masks.any((1, 2))):
        probability = np.where(masks[index], CERTAIN, 0).astype(np.uint8)[None]
        probability[:, :band] = CERTAIN * 2 // 5
        lessons.append(PseudoMask(0, int(index), probability))
    return lessons


def new_network(seed=0, classes=1):
    torch.manual_seed(seed)
    return Segmenter(CHANNELS, classes, placed=False)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.fixture(scope="module")
def learned():
    """A network that was taught on one volume, with that volume and its true masks."""
    one, masks = volume()
    return train_segmenter(new_network(), [one], taught(masks), 18, 0, quiet), one, masks


def test_a_planted_thing_is_learned_in_a_few_steps(learned):
    network, one, masks = learned
    seen = segment(network, one, np.arange(SLICES), CPU)
    assert seen.shape == (SLICES, 1, TARGET, TARGET)
    assert seen.dtype == np.float32
    assert dice(seen[:, 0] > 0.5, masks) > 0.9
    assert not network.training


def test_what_was_learned_holds_for_another_volume(learned):
    other, masks = volume(seed=7)
    seen = segment(learned[0], other, np.arange(SLICES), CPU)
    assert dice(seen[:, 0] > 0.5, masks) > 0.85
    assert seen[SLICES // 2 :].max((1, 2, 3)).mean() < 0.5


def test_slices_are_segmented_in_the_order_that_was_asked_for(learned):
    network, one, _ = learned
    every = segment(network, one, np.arange(SLICES), CPU)
    some = segment(network, one, np.array([5, 1]), CPU)
    assert np.allclose(some, every[[5, 1]], atol=0.02)
    assert segment(network, one, np.array([], int), CPU).shape == (0, 1, TARGET, TARGET)


def test_left_and_right_are_seen_alike(learned):
    network, one, _ = learned
    mirrored_levels = {name: HeldLevel(level.values[..., ::-1]) for name, level in one.features.levels.items()}
    features = VolumeFeatures("key", mirrored_levels, one.features.image[..., ::-1].copy())
    mirrored = VolumeSlices("000", "one", one.supervision, features, one.frame, one.intensity)
    plain, turned = (segment(network, x, np.arange(3), CPU) for x in (one, mirrored))
    assert np.allclose(turned[..., ::-1], plain, atol=1e-6)


def test_the_same_seed_gives_the_same_network_and_another_seed_another():
    one, masks = volume()
    trained = [train_segmenter(new_network(), [one], taught(masks), 2, seed, quiet) for seed in (1, 1, 2)]
    first, second, third = (list(network.state_dict().values()) for network in trained)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, third, strict=True))


def test_training_goes_on_with_the_scaling_of_a_network_trained_before(learned):
    network, _, masks = learned
    shifted, _ = volume(seed=3)
    onwards = train_segmenter(copy.deepcopy(network), [shifted], taught(masks), 1, 0, quiet)
    assert torch.equal(onwards.mean_stage0, network.mean_stage0)
    assert not torch.equal(onwards.project["stage0"].weight, network.project["stage0"].weight)
    fresh = train_segmenter(new_network(), [shifted], taught(masks), 1, 0, quiet)
    assert not torch.equal(fresh.mean_stage0, network.mean_stage0)


def test_progress_is_told_to_the_last_step():
    one, masks = volume()
    events = []
    train_segmenter(new_network(), [one], taught(masks), 2, 0, events.append)
    assert [(event.done, event.total) for event in events if isinstance(event, Progress)] == [(1, 2), (2, 2)]


def test_cohorts_without_any_absent_slice_can_be_learned():
    one, masks = volume()
    one.tags[one.tags == ABSENT] = UNTAGGED
    network = train_segmenter(new_network(), [one], taught(masks), 1, 0, quiet)
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())


def test_folded_standardisation_is_the_same_as_standardising_first():
    one, _ = volume()
    image = torch.rand(2, 1, 256, 256)
    network = new_network().eval()
    plain = copy.deepcopy(network)
    network.standardise_by([(one.features.levels, index) for index in range(SLICES)])
    standardised = {
        name: HeldLevel((level.read([0, 1]) - getattr(network, f"mean_{name}")) * getattr(network, f"scale_{name}"))
        for name, level in one.features.levels.items()
    }
    assert standardised["stage0"].values.std() == pytest.approx(1, abs=0.2)

    def drawn(by, levels):
        return by.masks(by.merged([(levels, 0), (levels, 1)], torch.float32), image)

    with torch.no_grad():
        assert torch.allclose(drawn(network, one.features.levels), drawn(plain, standardised), atol=1e-4)


def test_means_and_deviations_of_a_sample_are_those_of_all_its_cells():
    rng = np.random.default_rng(0)
    volumes = [held({"stage0": 100 + 3 * rng.normal(size=(n, 8, 4, 4))}) for n in (1, 2, 5)]
    network = Segmenter({"stage0": 8}, 1)
    network.standardise_by([(one, index) for one in volumes for index in range(one["stage0"].shape[0])])
    parts = [one["stage0"].values.astype(np.float32) for one in volumes]
    cells = np.concatenate([part.swapaxes(0, 1).reshape(8, -1) for part in parts], 1).astype(np.float64)
    np.testing.assert_allclose(network.mean_stage0.flatten(), cells.mean(1), rtol=1e-5)
    np.testing.assert_allclose(1 / network.scale_stage0.flatten(), cells.std(1, ddof=1) + 1e-3, rtol=1e-4)


def loss_and_gradient(monkeypatch, logits, probability, flip=False):
    """Loss of a network that answers with these logits, and its slope at every pixel."""
    one, _ = volume()
    answer = torch.from_numpy(logits).requires_grad_()
    network = new_network(classes=logits.shape[1])
    monkeypatch.setattr(module, "_logits", lambda *_: [answer])
    batch = [PseudoMask(0, index, each) for index, each in enumerate(probability)]
    loss = module._loss(network, [one], batch, flip, CPU)
    loss.backward()
    return float(loss.detach()), answer.grad.numpy()


def lesson(seed=0):
    """Logits and pseudo-masks B x C x 128 x 128 of two classes, certain of nothing in a band."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(3, 2, TARGET, TARGET)).astype(np.float32)
    probability = np.zeros((3, 2, TARGET, TARGET), np.uint8)
    probability[0, 0, 20:50, 20:50], probability[1, 1, 60:90, 30:80] = CERTAIN, CERTAIN
    probability[:, :, 45:65] = 100
    probability[2, 1] = UNKNOWN
    return logits, probability


@pytest.mark.parametrize("flip", [False, True])
def test_ignored_pixels_have_no_influence(monkeypatch, flip):
    logits, probability = lesson()
    ignored = targets_of(probability) == IGNORED
    assert 0.1 < ignored.mean() < 0.5
    ignored = ignored[..., ::-1] if flip else ignored
    before, slope = loss_and_gradient(monkeypatch, logits, probability, flip)
    assert (slope[ignored] == 0).all()
    assert (slope[~ignored] != 0).mean() > 0.99
    scrambled = np.where(ignored, np.random.default_rng(1).normal(0, 30, logits.shape), logits).astype(np.float32)
    after, _ = loss_and_gradient(monkeypatch, scrambled, probability, flip)
    assert after == pytest.approx(before, rel=1e-6)


def test_the_loss_is_cross_entropy_and_dice_over_the_pixels_that_count(monkeypatch):
    logits, probability = lesson()
    target = targets_of(probability)
    counts = target != IGNORED
    chance = 1 / (1 + np.exp(-logits.astype(float)))
    entropy = -np.where(target == 1, np.log(chance), np.log(1 - chance))[counts].mean()
    overlaps = []
    for row, column in ((0, 0), (1, 1)):
        p, t = (x[row, column][counts[row, column]] for x in (chance, target == 1))
        overlaps.append(1 - 2 * (p * t).sum() / (p.sum() + t.sum()))
    loss, _ = loss_and_gradient(monkeypatch, logits, probability)
    assert loss == pytest.approx(entropy + np.mean(overlaps), abs=1e-4)


def test_a_batch_that_shows_nothing_is_cross_entropy_alone(monkeypatch):
    logits = np.zeros((2, 1, TARGET, TARGET), np.float32)
    loss, _ = loss_and_gradient(monkeypatch, logits, np.zeros((2, 1, TARGET, TARGET), np.uint8))
    assert loss == pytest.approx(np.log(2), abs=1e-6)


def test_probabilities_become_certain_or_are_ignored():
    values = np.array([0.0, 0.2, 0.3, 0.5, 0.6, 1.0])
    probability = np.rint(values * CERTAIN).astype(np.uint8).reshape(1, 1, 2, 3)
    assert targets_of(probability).ravel().tolist() == [0, 0, IGNORED, IGNORED, 1, 1]
    assert targets_of(np.full((1, 1, 1, 1), UNKNOWN, np.uint8)).item() == IGNORED


def test_what_two_classes_claim_is_ignored_for_both():
    probability = np.array([[CERTAIN, CERTAIN, 0], [CERTAIN, 0, 0]], np.uint8).reshape(1, 2, 1, 3)
    assert targets_of(probability)[0, :, 0].tolist() == [[IGNORED, 1, 0], [IGNORED, 0, 0]]


def test_what_classes_claim_that_may_share_it_is_both():
    claimed = np.array([[1, 1, 0, 1], [1, 0, 1, 1], [0, 1, 1, 1]], np.uint8) * np.uint8(CERTAIN)
    shares = np.eye(3, dtype=bool)
    shares[0, 1] = shares[1, 0] = True
    found = targets_of(claimed.reshape(1, 3, 1, 4), shares)[0, :, 0]
    # Of three, the third excludes both others, which therefore are not certain either.
    assert found.tolist() == [[1, IGNORED, 0, IGNORED], [1, 0, IGNORED, IGNORED], [0, IGNORED, IGNORED, IGNORED]]


def test_a_class_inside_of_another_one_is_learned():
    one, masks = volume()
    around = np.ones_like(masks)
    lessons = [
        PseudoMask(0, index, np.where([around[index], masks[index]], CERTAIN, 0).astype(np.uint8))
        for index in range(SLICES // 2)
    ]
    one = replace(one, supervision=Supervision(np.repeat(one.tags, 2, axis=1)))
    network = train_segmenter(new_network(classes=2), [one], lessons, 10, 0, quiet, np.ones((2, 2), bool))
    seen = segment(network, one, np.arange(SLICES // 2), CPU) > 0.5
    assert dice(seen[:, 1], masks[: SLICES // 2]) > 0.6
    assert seen[:, 0].mean() > 0.9


def test_tags_overrule_probabilities():
    probability = np.full((1, 3, 1, 2), 0.5, np.float32)
    values = encode_probability(probability, np.array([[PRESENT, ABSENT, UNTAGGED]], np.int8))
    assert values[0, :, 0].tolist() == [[127, 127], [0, 0], [UNKNOWN, UNKNOWN]]
    outside = encode_probability(np.array([[[[-0.1, 1.1]]]]), np.array([[PRESENT]], np.int8))
    assert outside.ravel().tolist() == [0, CERTAIN]


def test_the_image_adds_detail_beyond_the_features():
    network = new_network().eval()
    merged = torch.zeros(1, 48, 64, 64)
    image = torch.zeros(1, 1, 256, 256)
    image[..., 128:] = 1
    with torch.no_grad():
        flat, edge = (network.masks(merged, one)[0, 0, 64] for one in (torch.zeros_like(image), image))
    step = (edge - flat).abs()
    assert step[60:72].std() > 10 * step[20:50].std()


@pytest.mark.parametrize("placed", [True, False])
def test_a_network_that_sees_where_in_the_body_it_is_tells_sides_apart(placed):
    one, _ = volume()
    levels = {**one.features.levels, CAM: HeldLevel(np.zeros((SLICES, 1, 32, 32), np.float32))}
    features = VolumeFeatures("key", levels, one.features.image)
    there = replace(one, features=features)
    turned = replace(there, axes=there.axes * np.array([[-1], [1], [1]]))  # the same pixels, left for right
    torch.manual_seed(0)
    network = Segmenter(CHANNELS, 1, placed).eval()
    first, second = (segment(network, each, np.array([0]), CPU) for each in (there, turned))
    assert np.array_equal(first, second) != placed
