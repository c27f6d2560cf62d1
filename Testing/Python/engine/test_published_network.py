"""The segmentation network of the published method: targets, views, training, resuming, its model, tuning."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from held_level import held
from torch import nn

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.engine.backbones.base import PromptKind
from WeakMedSAMLib.engine.base.state import StageStore
from WeakMedSAMLib.engine.features.embed import VolumeFeatures
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.methods.published import network_training
from WeakMedSAMLib.engine.methods.published.images import slice_images
from WeakMedSAMLib.engine.methods.published.mask_views import move_together, random_views
from WeakMedSAMLib.engine.methods.published.model import PublishedModel
from WeakMedSAMLib.engine.methods.published.network_training import Lessons, NetworkTraining
from WeakMedSAMLib.engine.methods.published.pam import SIZE
from WeakMedSAMLib.engine.methods.published.pseudo_masks import Mined
from WeakMedSAMLib.engine.methods.published.settings import Defect, PublishedSettings
from WeakMedSAMLib.engine.methods.published.teaching import teach_network
from WeakMedSAMLib.engine.methods.published.tuning import tune_masks
from WeakMedSAMLib.engine.methods.published.unet import build_network, draw
from WeakMedSAMLib.engine.methods.registry import load_model
from WeakMedSAMLib.engine.parts.model_files import DESCRIPTION, save_model
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, IGNORED, UNKNOWN, decode_probability, label_targets
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.supervision.supervision import Supervision

QUICK = PublishedSettings(network_width=4, network_epochs=2, network_batch=2, micro_batch=2, epochs=1)
DISC = np.hypot(*(np.mgrid[:SIZE, :SIZE] - 120)) < 40


def volume_of(count=6, place="000"):
    """Slices that show a bright disc, but for the last two."""
    images = np.full((count, SIZE, SIZE), 60, np.uint8)
    images[:-2] = np.where(DISC, 200, 60)
    images += np.arange(count, dtype=np.uint8)[:, None, None]
    tags = np.full((count, 1), PRESENT, np.int8)
    tags[-2:] = ABSENT
    features = VolumeFeatures("key", held({"last": images[:, None].astype(np.float32) / 255}), images)
    return VolumeSlices(
        place, place, Supervision(tags), features, Frame(SIZE, SIZE, 1.0, 1.0, SIZE), Intensity("given", 0.0, 1.0)
    )


def mined_of(volume, mask=DISC):
    indices = volume.present(0)
    probability = np.repeat((mask * CERTAIN).astype(np.uint8)[None, None], len(indices), 0)
    return Mined(0, indices, probability, np.flatnonzero(volume.tags[:, 0] == ABSENT))


def model_of(settings, network=None):
    network = network or build_network(settings, 2)
    classes = ClassTable.from_names(["Lunge", "Herz"])
    return PublishedModel(
        classes=classes, backbone="litemedsam", weights_sha256="ab" * 32, settings=settings, patients=3,
        window=None, frame_size=SIZE, network=network.eval(),
    )  # fmt: skip


def test_targets_are_labels_with_a_band_that_teaches_nothing():
    probability = torch.tensor([[0.9, 0.5, 0.1, 0.7, 0.1, 0.3], [0.1, 0.1, 0.1, 0.8, 0.5, 0.1]])[None, :, None]
    known = torch.ones_like(probability, dtype=torch.bool)
    assert label_targets(probability, known, 0.5, 0.1).flatten().tolist() == [1, IGNORED, 0, IGNORED, IGNORED, 0]
    assert label_targets(probability, known, 0.5, 0.0).flatten().tolist() == [1, 0, 0, IGNORED, 0, 0]
    known[:, 1] = False
    assert label_targets(probability, known, 0.5, 0.1).flatten().tolist() == [1] + [IGNORED] * 2 + [1] + [IGNORED] * 2


def test_neighbouring_slices_are_channels_and_the_outermost_stand_in():
    volume = volume_of()
    images = slice_images(volume, np.array([0, 3, 5]), beside=1)
    stack = volume.features.image
    shown = [[0, 0, 1], [2, 3, 4], [4, 5, 5]]
    assert all(np.array_equal(np.rint(images[n].numpy() * 255), stack[which]) for n, which in enumerate(shown))


def area_after_views(settings):
    random = np.random.default_rng(3)
    probability = torch.from_numpy(DISC.astype(np.float32))[None, None].repeat(8, 1, 1, 1)
    known = torch.ones_like(probability, dtype=torch.bool)
    views = random_views(8, settings, random)
    masks = move_together(probability.clone(), probability, known, views, settings, random)[1]
    return float((masks > 0.5).sum())


def test_masks_keep_their_size_and_with_the_defect_grow():
    right, wrong = area_after_views(QUICK), area_after_views(replace(QUICK, defects=(Defect.MASK_SCALE,)))
    assert wrong > 1.01 * right


def test_a_mask_moves_with_its_image_and_what_is_cut_off_is_known_to_be_nothing():
    random, settings = np.random.default_rng(1), replace(QUICK, jitter=0.0)
    image = torch.from_numpy(DISC.astype(np.float32))[None, None].repeat(6, 1, 1, 1)
    known = torch.ones_like(image, dtype=torch.bool)
    images, masks, still = move_together(image, image, known, random_views(6, settings, random), settings, random)
    assert torch.allclose(images, masks, atol=1e-6)
    assert not torch.equal(images[0], images[1])
    assert still.float().mean() > 0.98
    unknown = move_together(image, image, ~known, random_views(6, settings, random), settings, random)[2]
    assert unknown.float().mean() < 0.3


@pytest.mark.parametrize("network", ["unet", "unet-2.5d"])
def test_a_network_learns_a_disc_that_it_is_shown(network):
    settings = replace(QUICK, network=network, network_epochs=14, network_learning_rate=2e-2, background_weight=1.0,
                       crops="none", flips=False, jitter=0.0)  # fmt: skip
    volume = volume_of()
    unet = build_network(settings, 1)
    assert next(unet.parameters()).shape[1] == (3 if network == "unet-2.5d" else 1)
    training = NetworkTraining(unet, Lessons([volume], mined_of(volume).masks, np.array([[0, 4], [0, 5]]), 1), settings,
                               lambda event: None)  # fmt: skip
    while not training.finished:
        training.run_epoch()
    drawing = draw(unet.eval(), volume, np.arange(6), settings, torch.device("cpu"))
    mask = drawing.probability[0, 0] > 0.5
    assert 2 * (mask & DISC).sum() / (mask.sum() + DISC.sum()) > 0.9
    assert drawing.likely[:4, 0].min() > drawing.likely[4:, 0].max()


def unlike_masks(volume):
    """Pseudo-masks that weigh unlike: of several sizes, one with a part that nobody knows."""
    mined = mined_of(volume)
    for row, radius in enumerate((10, 40, 60, 90)):
        mined.probability[row, 0] = (np.hypot(*(np.mgrid[:SIZE, :SIZE] - 120)) < radius) * CERTAIN
    mined.probability[2, :, :100] = UNKNOWN
    return mined


def mean_loss_gradients(volume, mined, settings):
    """Those of the weighted mean over all pixels that teach, of all slices at once and by PyTorch's own mean."""
    network, weights = build_network(settings, 1).train(), torch.tensor([settings.background_weight, 1.0])
    target = label_targets(*decode_probability(mined.probability), settings.threshold, settings.ignore_band)
    logits = network(slice_images(volume, mined.indices, SIZE))
    nn.functional.cross_entropy(logits, target, weights, ignore_index=IGNORED).backward()
    return torch.cat([value.grad.flatten() for value in network.parameters()])


@pytest.mark.parametrize("micro", [3, 4])
def test_gradients_of_a_batch_in_parts_are_those_of_its_mean_loss(gradients, monkeypatch, micro):
    settings = replace(QUICK, micro_batch=micro, network_batch=4, crops="none", flips=False, jitter=0.0,
                       network_learning_rate=0.0)  # fmt: skip
    volume, network = volume_of(), build_network(settings, 1)
    mined = unlike_masks(volume)
    monkeypatch.setattr(network_training, "reduced_precision", lambda device: nullcontext())  # or rounding hides much
    lessons = Lessons([volume], mined.masks, np.zeros((0, 2), int), 1)
    training = NetworkTraining(network, lessons, settings, lambda event: None)
    while not training.finished:
        training.run_epoch()
    expected = mean_loss_gradients(volume, mined, settings)
    assert len(gradients) == 2  # an epoch is one batch; the second must know nothing of the first
    assert all((found - expected).norm() < 2e-3 * expected.norm() for found in gradients)


ON_CPU = SimpleNamespace(device=torch.device("cpu"))


def context_of(backbone, store, report):
    return RunContext(ClassTable.from_names(["disc"]), backbone, None, store, report)


def taught(store, settings, report=lambda event: None, start=None):
    volume = volume_of()
    return teach_network([volume], [mined_of(volume)], settings, context_of(ON_CPU, store, report), "a" * 64, start)


def test_a_training_that_was_cut_off_ends_as_one_that_was_not(tmp_path):
    whole = taught(StageStore(tmp_path / "whole"), QUICK).state_dict()

    def cut(event):
        if getattr(event, "step", None) == 1 and event.name == "loss":
            cut.epochs += 1
        if cut.epochs and type(event).__name__ == "Progress" and event.done > event.total // 2:
            raise KeyboardInterrupt

    cut.epochs = 0
    with pytest.raises(KeyboardInterrupt):
        taught(StageStore(tmp_path / "cut"), QUICK, cut)
    told = []
    resumed = taught(StageStore(tmp_path / "cut"), QUICK, told.append).state_dict()
    assert [event.step for event in told if getattr(event, "name", "") == "loss"] == [2]
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    again = []
    taught(StageStore(tmp_path / "cut"), QUICK, again.append)
    assert [event.state for event in again] == ["reused"]


def test_a_network_that_is_no_number_any_more_is_not_kept(tmp_path, monkeypatch):
    store, spoilt = StageStore(tmp_path), lambda training, rows, random: spoil(training._network)
    monkeypatch.setattr(NetworkTraining, "take_step", spoilt)
    with pytest.raises(UserError) as refused:
        taught(store, QUICK)
    assert refused.value.code == "not_finite"
    monkeypatch.undo()
    told = []
    taught(store, QUICK, told.append)  # from the beginning
    assert [event.step for event in told if getattr(event, "name", "") == "loss"] == [1, 2]


def spoil(network):
    next(network.parameters()).data.fill_(np.nan)
    return 0.0


def test_training_goes_on_from_a_network_of_the_same_kind_only(tmp_path):
    start = model_of(replace(QUICK, network="unet-2.5d"))
    with pytest.raises(UserError) as caught:
        taught(StageStore(tmp_path), QUICK, start=start)
    assert caught.value.code == "model_does_not_fit"
    assert "unet-2.5d" in caught.value.message


@pytest.mark.parametrize("network", ["unet", "unet-2.5d"])
def test_a_model_comes_back_bit_for_bit(tmp_path, network):
    model = model_of(replace(QUICK, network=network, defects=(Defect.NO_RELU, Defect.MASK_SCALE)))
    save_model(tmp_path / "model", model)
    loaded = load_model(tmp_path / "model")
    assert isinstance(loaded, PublishedModel)
    assert loaded.settings == model.settings
    assert (loaded.classes, loaded.backbone, loaded.patients, loaded.frame_size) == (
        model.classes,
        "litemedsam",
        3,
        SIZE,
    )
    before, after = model.network.state_dict(), loaded.network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    images = torch.rand(1, 3 if network == "unet-2.5d" else 1, SIZE, SIZE)
    with torch.no_grad():
        assert torch.equal(model.network(images), loaded.network(images))


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"network_width": 8}},
        {"settings": {"network": "vnet"}},
        {"classes": []},
        {"frame_size": 0},
        {"patients": "three"},
        {"settings": 3},
    ],
)
def test_descriptions_that_do_not_fit_are_refused(tmp_path, change):
    save_model(tmp_path, model_of(QUICK))
    about = json.loads((tmp_path / DESCRIPTION).read_text(encoding="utf-8"))
    (tmp_path / DESCRIPTION).write_text(json.dumps({**about, **change}), encoding="utf-8")
    with pytest.raises(UserError):
        load_model(tmp_path)


class Promptable(nn.Module):
    """A mask decoder of two numbers: bright pixels within the box."""

    def __init__(self):
        super().__init__()
        self.scale, self.level = nn.Parameter(torch.tensor(10.0)), nn.Parameter(torch.tensor(0.5))
        self.frozen = nn.Parameter(torch.tensor(1.0), requires_grad=False)

    def forward(self, images, boxes, rows):
        y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
        x0, y0, x1, y1 = (boxes[:, n, None, None] for n in range(4))
        inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
        return torch.where(inside, self.scale * (images[rows, 0].float() - self.level) * self.frozen, -9.0)

    def load_adapter_state(self, state):
        self.load_state_dict(state, strict=False)


class TunableBackbone:
    def __init__(self, level=0.5):
        self.info = SimpleNamespace(input_size=SIZE, decode_level="last", prompts=frozenset([PromptKind.BOX]))
        self.device, self.dtype, self.made = torch.device("cpu"), torch.float32, []
        self.network = Promptable()
        self.network.level.data.fill_(level)

    def promptable_network(self):
        self.made.append(Promptable())
        return self.made[-1]

    def decode(self, features, boxes, rows):
        with torch.no_grad():
            return self.network(features, boxes, rows), torch.ones(len(boxes))


ON_FEATURES = SimpleNamespace(adapted=False)


def tuned(folder, backbone, report=lambda event: None, classifier=ON_FEATURES, **choices):
    volume, settings = volume_of(), replace(QUICK, **{"learning_rate": 0.05, **choices})
    mined, store = mined_of(volume), StageStore(folder)
    context = context_of(backbone, store, report)
    return tune_masks([volume], [mined], classifier, settings, context, "b" * 64)[0][0], mined


def test_tuning_trains_a_copy_on_confident_pieces_and_redraws_the_masks(tmp_path):
    backbone, events = TunableBackbone(), []
    found, before = tuned(tmp_path, backbone, events.append)
    assert [event.value for event in events if getattr(event, "name", "") == "confident_pieces"] == [4]
    (network,) = backbone.made
    assert float(network.level.detach()) != 0.5
    assert float(network.frozen) == 1.0
    assert float(backbone.network.level.detach()) == 0.5
    assert not np.array_equal(found.probability, before.probability)
    mask = found.probability[0, 0] > 0.5 * CERTAIN
    assert 2 * (mask & DISC).sum() / (mask.sum() + DISC.sum()) > 0.95


def test_tuning_says_so_where_no_piece_is_confident_and_changes_nothing(tmp_path):
    backbone, events = TunableBackbone(level=2.0), []
    found, before = tuned(tmp_path, backbone, events.append)
    assert "nothing_confident" in [getattr(event, "code", "") for event in events]
    assert backbone.made == []
    assert np.array_equal(found.probability, before.probability)


def test_unknown_classes_stay_unknown_through_tuning(tmp_path):
    volume, settings = volume_of(), QUICK
    mined = mined_of(volume)
    both = np.concatenate([mined.probability, np.full_like(mined.probability, UNKNOWN)], 1)
    mined, store = replace(mined, probability=both), StageStore(tmp_path)
    context = context_of(TunableBackbone(), store, lambda event: None)
    found = tune_masks([volume], [mined], ON_FEATURES, settings, context, "c" * 64)[0][0]
    assert (found.probability[:, 1] == UNKNOWN).all()


def adapted_to(level):
    """A classifier whose encoder was trained."""
    encoder = SimpleNamespace(adapter_state=lambda: {"level": torch.tensor(level)})
    return SimpleNamespace(adapted=True, encoder=encoder)


def test_tuning_goes_on_from_the_adapted_encoder(tmp_path):
    backbone = TunableBackbone()
    tuned(tmp_path, backbone, classifier=adapted_to(0.61), learning_rate=1e-9)
    assert float(backbone.made[0].level.detach()) == pytest.approx(0.61, abs=1e-6)


def test_an_adapted_encoder_fits_the_promptable_network_and_draws_there(small):
    backbone = small.build("samus")
    with torch.random.fork_rng():
        torch.manual_seed(1)
        encoder = backbone.adaptable_encoder().eval()
        torch.manual_seed(2)
        network = backbone.promptable_network().eval()
    slices = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        assert not torch.equal(network.network.image_encoder(slices), encoder(slices))
        network.load_adapter_state(encoder.adapter_state())
        assert torch.equal(network.network.image_encoder(slices), encoder(slices))
    with pytest.raises(UserError, match="missing") as refused:
        network.load_adapter_state({})
    assert refused.value.code == "adapters_do_not_fit"


def test_gradients_of_tuning_are_the_same_in_parts(tmp_path, gradients):
    for micro in (4, 3):
        tuned(tmp_path / str(micro), TunableBackbone(), batch=4, micro_batch=micro, epochs=1)
    whole, parts = gradients
    assert (whole - parts).norm() < 1e-4 * whole.norm()


def test_tuning_that_was_cut_off_ends_as_one_that_was_not(tmp_path):
    class CutOff(Exception):
        pass

    def cut_off(event):
        if getattr(event, "name", "") == "loss" and event.step == 2:
            raise CutOff

    choices = {"epochs": 3, "batch": 2}
    whole, _ = tuned(tmp_path / "whole", TunableBackbone(), **choices)
    with pytest.raises(CutOff):
        tuned(tmp_path / "cut", TunableBackbone(), cut_off, **choices)
    events, backbone = [], TunableBackbone()
    again, _ = tuned(tmp_path / "cut", backbone, events.append, **choices)
    assert [event.step for event in events if getattr(event, "name", "") == "loss"] == [2, 3]
    assert np.array_equal(again.probability, whole.probability)


def test_tuning_that_comes_upon_what_is_no_number_says_so(tmp_path):
    with pytest.raises(UserError) as refused:
        tuned(tmp_path, TunableBackbone(), classifier=adapted_to(float("nan")))
    assert refused.value.code == "not_finite"
