"""Training of the published classifier on a small encoder: what it learns, from whom, and how it goes on."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from held_level import held
from torch import nn

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Metric, Progress, Stage
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.backbones.adaptable import AdaptableEncoder
from WeakMedSAMLib.engine.backbones.base import LevelInfo
from WeakMedSAMLib.engine.base.state import StageStore
from WeakMedSAMLib.engine.features.embed import VolumeFeatures
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published import fitting
from WeakMedSAMLib.engine.methods.published.adapt import new_classifier, train_adapted
from WeakMedSAMLib.engine.methods.published.cams import class_maps
from WeakMedSAMLib.engine.methods.published.classifier import ClassHeads, StandardFeatures, sum_losses
from WeakMedSAMLib.engine.methods.published.examples import Examples
from WeakMedSAMLib.engine.methods.published.settings import Defect, PublishedSettings
from WeakMedSAMLib.engine.methods.published.sub_classes import sub_class_tags
from WeakMedSAMLib.engine.methods.published.tagged import find_tagged
from WeakMedSAMLib.engine.parts.pooling import pool_cells
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.supervision.supervision import Supervision

TORCH_THREADS = 1  # tensors are so small here that threads would only wait for each other

SIZE, M, CHANNELS = 32, 8, 12
TWO = ClassTable.from_names(["bars", "spot"])
QUICK = {"epochs": 2, "batch": 8, "sub_classes": 2, "extractor": "backbone", "learning_rate": 1e-3, "seed": 3}


class ToyNetwork(nn.Module):
    """A frozen layer, an adapter with batch normalisation and dropout, a layer that is trained; 4 x 4 pixels a cell."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, CHANNELS, 4, 4)
        self.adapter = nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 1), nn.BatchNorm2d(CHANNELS), nn.Dropout(0.1))
        self.last = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.stem.weight.data *= 5

    def forward(self, images):
        early = self.stem(images).relu()
        return self.last((early + self.adapter(early)).relu()) + early


class ToyBackbone:
    """As much of a backbone as learning needs."""

    def __init__(self, dtype=torch.float32, dropout=True):
        torch.manual_seed(0)
        self.network = ToyNetwork().eval()
        self.network.adapter[2].p = 0.1 if dropout else 0.0
        self.device, self.dtype = torch.device("cpu"), dtype
        weights = SimpleNamespace(sha256="0" * 64)
        self.info = SimpleNamespace(name="toy", cam=LevelInfo(CHANNELS, M), weights=weights, input_size=SIZE)

    def adaptable_encoder(self):
        return AdaptableEncoder(self.network, CHANNELS, M, lambda name: not name.startswith("stem"))


def volume(number, backbone, slices=16, seed=0):
    """Textured discs; every second slice has bars at the left, every third a bright spot at the right."""
    generator = np.random.default_rng([seed, number])
    y, x = np.mgrid[:SIZE, :SIZE]
    image = generator.normal(0.4, 0.04, (slices, SIZE, SIZE)) * ((y - 15.5) ** 2 + (x - 15.5) ** 2 < 200)
    tags = np.full((slices, 2), ABSENT, np.int8)
    tags[1::2, 0], tags[::3, 1] = PRESENT, PRESENT
    image[1::2, 12:22, 4:14] += np.where(np.arange(10) % 4 < 2, 0.55, 0)[None, None]
    image[::3, 12:22, 18:28] += 0.5
    image = (image.clip(0, 1) * 255).astype(np.uint8)
    with torch.no_grad():
        cam = backbone.network(torch.from_numpy(image.astype(np.float32) / 255)[:, None]).half().numpy()
    features = VolumeFeatures(f"{number:064d}", held({"cam": cam}), image)
    return VolumeSlices(
        f"{number:03d}",
        f"patient {number}",
        Supervision(tags),
        features,
        Frame(SIZE, SIZE, 1, 1, SIZE),
        Intensity("given", 0, 1),
    )


@pytest.fixture(scope="module")
def backbone():
    return ToyBackbone()


@pytest.fixture
def cohort(backbone):
    return [volume(number, backbone) for number in range(3)]


@pytest.fixture
def many(backbone):
    return [volume(number, backbone) for number in range(6)]


@pytest.fixture
def train(backbone, tmp_path):
    """Train in a folder of that name; returns classifier and events."""

    def call(volumes, folder="state", classes=TWO, listen=lambda event: None, own=None, keep=None, **changed):
        events = []

        def report(event):
            events.append(event)
            listen(event)

        settings = PublishedSettings(**QUICK | changed)
        store = StageStore(tmp_path / folder)
        context = RunContext(classes, own or backbone, None, store, report, keep_sub_classes=keep)
        return train_adapted(volumes, settings, context), events

    return call


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def metrics(events, name):
    return [event.value for event in events if isinstance(event, Metric) and event.name == name]


def states(events, stage):
    return [event.state for event in events if isinstance(event, Stage) and event.stage == stage]


def test_adapters_change_and_all_else_stays_bit_for_bit(backbone, cohort, train):
    before = {name: value.clone() for name, value in backbone.network.state_dict().items()}
    classifier, _ = train(cohort, epochs=1)
    after = classifier.encoder.encoder.state_dict()
    adapters = {name for name, _ in backbone.network.named_parameters() if not name.startswith("stem")}
    assert {name for name in before if not torch.equal(before[name], after[name])} == adapters
    assert same(before, backbone.network.state_dict())
    assert not classifier.training


def test_with_a_frozen_encoder_the_heads_alone_learn(cohort, train):
    classifier, _ = train(cohort, encoder="frozen")
    fresh = new_classifier(classifier.counts, classifier.settings, ToyBackbone())
    assert {name for name, value in classifier.named_parameters() if value.requires_grad} == {
        "heads.primary.weight",
        "heads.secondary.weight",
    }
    assert not torch.equal(classifier.heads.primary.weight, fresh.heads.primary.weight)
    levels = np.concatenate([one.features.levels["cam"].values for one in cohort]).astype(np.float32)
    assert torch.allclose(classifier.encoder.mean.flatten(), torch.from_numpy(levels.mean((0, 2, 3))), atol=1e-3)
    assert torch.allclose(classifier.encoder.deviation.flatten(), torch.from_numpy(levels.std((0, 2, 3))), atol=3e-3)


def examples_of(volumes):
    """All slices with a tag, the present ones in two sub-classes that take turns."""
    tagged = find_tagged(volumes, 0.0, QUICK["seed"])
    clusters = np.where(tagged.tags == PRESENT, np.arange(len(tagged.tags))[:, None] // 6 % 2, -1)
    return Examples(volumes, tagged, sub_class_tags(tagged.tags, clusters, (2, 2)))


def mean_loss_gradients(classifier, examples):
    """Those of the mean over the entries with a tag, and half of that of sub-classes, of all slices at once."""
    classifier.train()
    inputs = torch.cat([examples.inputs(row, classifier) for row in range(len(examples.sub_tags))])
    means = []
    for cells, tags in zip(classifier(inputs), (examples.tagged.tags, examples.sub_tags), strict=True):
        wanted, known = torch.from_numpy(tags == PRESENT).float(), torch.from_numpy(tags != UNTAGGED)
        means.append(F.binary_cross_entropy_with_logits(cells.mean((2, 3))[known], wanted[known]))
    (means[0] + 0.5 * means[1]).backward()
    return torch.cat([value.grad.flatten() for value in classifier.parameters() if value.requires_grad])


@pytest.mark.parametrize("micro", [5, 46])
@pytest.mark.parametrize("encoder", ["adapted", "frozen"])
def test_gradients_in_parts_are_those_of_the_whole_batchs_mean_loss(cohort, gradients, encoder, micro):
    cohort[0].tags[::2, 1] = UNTAGGED  # parts with more and with fewer tags
    cohort[0].tags[:4:2] = UNTAGGED
    changed = {"encoder": encoder, "batch": 46, "micro_batch": micro, "learning_rate": 0.0, "frozen_learning_rate": 0.0}
    settings = PublishedSettings(**QUICK | {"crops": "none", "flips": False, "jitter": 0.0} | changed)
    first, second = (new_classifier((2, 2), settings, ToyBackbone(dropout=False)) for _ in range(2))
    fit = fitting.Fitting(first, examples_of(cohort), lambda event: None)
    while not fit.finished:
        fit.run_epoch()
    expected = mean_loss_gradients(second, examples_of(cohort))
    assert len(gradients) == 2  # an epoch is one batch; the second must know nothing of the first
    assert all((found - expected).norm() < 1e-4 * expected.norm() for found in gradients)


def test_a_training_that_was_cut_off_ends_as_if_it_had_not_been(many, train):
    options = {"epochs": 4, "patience": 4}
    undisturbed, events = train(many, "undisturbed", **options)
    steps = max(event.total for event in events if isinstance(event, Progress) and event.stage == fitting.STAGE)

    def cut_off(event):
        if isinstance(event, Progress) and event.stage == fitting.STAGE and event.done == steps // 2 + 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(many, "cut off", listen=cut_off, **options)
    resumed, events = train(many, "cut off", **options)
    assert same(resumed.learned(), undisturbed.learned())
    assert len(metrics(events, "loss")) == 2
    assert states(events, "sub-classes") == ["reused"]


def test_what_was_learned_is_used_again_unless_something_that_it_depends_on_changed(cohort, train):
    first, _ = train(cohort)
    again, events = train(cohort, pam_beta=8.0, threshold=0.4, defects=("no_relu",))
    assert same(first.learned(), again.learned())
    assert states(events, fitting.STAGE) == ["reused"]
    assert not metrics(events, "loss")
    for changed in ({"sub_class_weight": 0.1}, {"defects": ("careless_crops",)}):
        other, events = train(cohort, **changed)
        assert len(metrics(events, "loss")) == 2
        assert not same(first.learned(), other.learned())


def test_training_ends_where_patients_left_out_do_worse_and_keeps_their_best_weights(many, train):
    for one in many:  # nothing to be learned: what fits these patients does not fit others
        one.tags[:] = np.random.default_rng(int(one.id)).permutation(one.tags)
    options = {"epochs": 12, "patience": 2, "learning_rate": 2e-2, "crops": "none", "jitter": 0.0, "flips": False}
    classifier, events = train(many, **options)
    losses = metrics(events, "validation_loss")
    best = int(np.argmin(losses))
    assert best + 1 + 2 == len(losses) < 12
    cut, _ = train(many, "longer", **options | {"patience": 0})
    assert not same(cut.learned(), classifier.learned())
    assert validation_loss(classifier, many) == pytest.approx(losses[best], rel=1e-4)


def validation_loss(classifier, volumes):
    tagged, total = find_tagged(volumes, 0.2, QUICK["seed"]), 0.0
    for v in np.unique(tagged.slices[tagged.left_out, 0]):
        cells = torch.from_numpy(class_maps(classifier, volumes[v]))
        total += float(sum_losses(cells, torch.from_numpy(volumes[v].tags), "average"))
    return total / tagged.tags[tagged.left_out].size


def test_a_patient_left_out_takes_no_part_in_clustering_or_training(backbone, many, train):
    tagged = find_tagged(many, 0.2, QUICK["seed"])
    assert len(np.unique(tagged.patients[tagged.left_out])) == 1
    place = int(tagged.slices[tagged.left_out][0, 0])
    other = list(many)
    other[place] = volume(place, backbone, seed=9)
    kept = []
    options = {"patience": 0, "keep": lambda found: kept.append(sum(c.slices for c in found[0].clusters))}
    first, _ = train(many, "first", **options)
    second, _ = train(other, "second", **options)
    assert same(first.learned(), second.learned())
    third, _ = train(many, "third", **options, defects=(Defect.TEST_IN_CLUSTERING,))
    assert kept == [5 * 8, 5 * 8, 6 * 8]
    assert not same(first.learned(), third.learned())


STILL = {"crops": "none", "jitter": 0.0, "epochs": 30, "learning_rate": 1e-2, "frozen_learning_rate": 1e-1}


@pytest.mark.parametrize("encoder", ["adapted", "frozen"])
def test_each_of_several_classes_is_mapped_where_it_is(cohort, train, encoder):
    classifier, events = train(cohort, encoder=encoder, **STILL)
    assert metrics(events, "loss")[-1] < 0.6 * metrics(events, "loss")[0]
    maps = class_maps(classifier, cohort[0])
    assert maps.shape == (16, 2, M, M)
    assert maps.dtype == np.float32
    likely = maps.mean((2, 3))
    for column, (left, right) in enumerate([(0, 4), (3, 7)]):
        present = cohort[0].tags[:, column] == PRESENT
        in_order = likely[present, None, column] > likely[None, ~present, column]
        assert in_order.mean() > 0.9
        peaks = [np.unravel_index(one.argmax(), one.shape) for one in maps[present, column]]
        assert np.mean([2 <= y <= 5 and left <= x <= right for y, x in peaks]) > 0.9


def test_a_head_of_two_layers_learns_to_tell_slices_apart(cohort, train):
    classifier, events = train(cohort, head="conv", pooling="log-sum-exp", encoder="frozen", **STILL)
    assert metrics(events, "loss")[-1] < metrics(events, "loss")[0] / 3
    assert classifier.heads.before[0].out_channels == 128


def test_untagged_entries_change_nothing(cohort, train):
    cohort[1].tags[::3, 1] = UNTAGGED
    cohort[2].tags[4:8] = UNTAGGED
    first, _ = train(cohort, "first")
    cohort[2].features.image[4:8] = 200
    second, _ = train(cohort, "second")
    assert same(first.learned(), second.learned())


def test_what_was_learned_makes_the_same_classifier_again(backbone, cohort, train):
    for options in ({}, {"encoder": "frozen", "head": "conv"}):
        classifier, _ = train(cohort, **options)
        again = new_classifier(classifier.counts, classifier.settings, backbone)
        again.load_learned(classifier.learned())
        assert np.array_equal(class_maps(again, cohort[1]), class_maps(classifier, cohort[1]))
        assert all(not name.startswith("encoder.stem") for name in classifier.learned())


def test_in_half_precision_weights_stay_whole_and_the_loss_falls(cohort, train):
    classifier, events = train(cohort, own=ToyBackbone(torch.bfloat16), epochs=8, learning_rate=1e-2)
    assert all(value.dtype is torch.float32 for value in classifier.parameters())
    losses = metrics(events, "loss")
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    whole, _ = train(cohort, "whole", epochs=8, learning_rate=1e-2)
    assert not same(classifier.learned(), whole.learned())


def out_of_memory_from(monkeypatch, size):
    """Make the toy encoder run out of a GPU's memory for as many slices at once; returns the sizes that were tried."""
    tried, forward = [], ToyNetwork.forward

    def limited(self, images):
        tried.append(len(images))
        if len(images) >= size:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return forward(self, images)

    monkeypatch.setattr(ToyNetwork, "forward", limited)
    return tried


def test_out_of_memory_halves_the_part_once_and_changes_nothing_else(cohort, train, monkeypatch):
    options = {"own": ToyBackbone(dropout=False), "micro_batch": 8, "epochs": 1}
    expected, _ = train(cohort, "expected", **options | {"micro_batch": 4})
    tried = out_of_memory_from(monkeypatch, 8)
    classifier, _ = train(cohort, "halved", **options)
    assert tried == [8] + [4] * (2 * 6)
    first, second = expected.learned(), classifier.learned()
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)


@pytest.mark.parametrize(("micro", "attempts"), [(8, [8, 4]), (1, [1])])
def test_out_of_memory_again_is_an_error_with_a_way_out(cohort, train, monkeypatch, micro, attempts):
    tried = out_of_memory_from(monkeypatch, 1)
    with pytest.raises(UserError) as caught:
        train(cohort, micro_batch=micro)
    assert caught.value.code == "gpu_out_of_memory"
    assert "micro_batch" in caught.value.hint
    assert tried == attempts


def test_another_error_is_passed_on(cohort, train, monkeypatch):
    monkeypatch.setattr(ToyNetwork, "forward", lambda self, images: images.view(3, 5))
    with pytest.raises(RuntimeError, match="shape"):
        train(cohort)


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_heads_have_an_output_for_each_class_each_sub_class_and_none_at_all(kind):
    heads = ClassHeads(CHANNELS, (8, 8, 3), kind)
    primary, secondary = heads(torch.randn(2, CHANNELS, M, M))
    assert primary.shape == (2, 3, M, M)
    assert secondary.shape == (2, 8 + 8 + 3 + 1, M, M)
    assert heads.primary.bias is None
    assert heads.secondary.bias is None


def test_average_pooling_of_linear_cell_logits_is_the_published_classifier():
    heads, features = ClassHeads(CHANNELS, (8,), "linear"), torch.randn(4, CHANNELS, M, M)
    published = features.mean((2, 3)) @ heads.primary.weight[0, :, 0, 0]
    assert torch.allclose(pool_cells(heads(features)[0], kind="average")[:, 0, 0], published, atol=1e-5)


@pytest.mark.parametrize("kind", ["average", "top-k", "log-sum-exp"])
def test_the_loss_is_the_cross_entropy_of_the_entries_with_a_tag(kind):
    cells, tags = torch.randn(3, 2, M, M), torch.tensor([[PRESENT, ABSENT], [UNTAGGED, PRESENT], [ABSENT, UNTAGGED]])
    logits, expected = pool_cells(cells, kind=kind), 0.0
    for row, column in (tags != UNTAGGED).nonzero():
        signed = logits[row, column] * (1 if tags[row, column] == PRESENT else -1)
        expected += torch.log1p(torch.exp(-signed)).mean()
    assert sum_losses(cells, tags, kind).item() == pytest.approx(float(expected), rel=1e-5)


def test_standard_features_have_mean_0_and_deviation_1_without_outliers():
    features = torch.randn(500, 2, 1, 1) * torch.tensor([3.0, 0.01])[:, None, None] + 5
    standard = StandardFeatures(2)
    flat = features.flatten(1).double()
    standard.measure(flat.sum(0), (flat**2).sum(0), len(flat))
    result = standard(features)
    assert result.mean((0, 2, 3)).abs().max() < 1e-3
    assert result.std((0, 2, 3)) == pytest.approx([1, 0.91], abs=0.03)  # 1e-3 is added to the deviation
    assert standard(torch.full((1, 2, 1, 1), 1e6)).max() == 8


def test_sub_class_tags_say_none_at_all_first_and_then_each_cluster():
    tags = np.array([[ABSENT, ABSENT], [PRESENT, ABSENT], [PRESENT, UNTAGGED], [UNTAGGED, ABSENT], [PRESENT, PRESENT]])
    clusters = np.array([[-1, -1], [1, -1], [0, -1], [-1, -1], [-1, 2]])
    y, n, u = PRESENT, ABSENT, UNTAGGED
    assert sub_class_tags(tags.astype(np.int8), clusters, (2, 3)).tolist() == [
        [y, n, n, n, n, n],
        [n, n, y, n, n, n],
        [n, y, n, u, u, u],
        [u, u, u, n, n, n],
        [n, u, u, n, n, y],
    ]
