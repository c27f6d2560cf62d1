"""Trained models: a round trip bit for bit, and files that are none."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from held_level import HeldLevel, held
from safetensors.torch import load_file, save_file

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.features.preprocess import Intensity
from WeakMedSAMLib.engine.methods.fast.model import FastModel
from WeakMedSAMLib.engine.methods.fast.projection import Projection
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter
from WeakMedSAMLib.engine.methods.published.model import PublishedModel
from WeakMedSAMLib.engine.methods.published.unet import build_network
from WeakMedSAMLib.engine.methods.registry import choose_settings, load_model
from WeakMedSAMLib.engine.parts import model_files as module
from WeakMedSAMLib.engine.parts.model_files import DESCRIPTION, WEIGHTS, require_fitting, save_model


@pytest.fixture(params=[True, False], ids=["places", "as of version 0.1"])
def trained(request):
    torch.manual_seed(3)
    segmenter = Segmenter({"stage0": 6, "last": 4}, 2, request.param)
    random = np.random.default_rng(3)
    sample = held({"stage0": 5 * random.normal(size=(2, 6, 4, 4)), "last": random.normal(size=(2, 4, 4, 4))})
    segmenter.standardise_by([(sample, 0), (sample, 1)])
    return FastModel(
        classes=ClassTable.from_names(["Lunge", "Herz größer"]),
        backbone="litemedsam",
        weights_sha256="ab" * 32,
        settings=choose_settings("fast", {"seed": 5, "pam_z": 0.25, "z_consistency": False}),
        counts=(1, 3),
        patients=7,
        window=Intensity("ct_window", -160.0, 240.0, "CT"),
        projection=Projection(torch.randn(6), torch.rand(6) + 1, torch.randn(6), torch.randn(6, 5)),
        classifier=SliceClassifier(5, (1, 3)).eval(),
        segmenter=segmenter.eval(),
    )


@pytest.fixture
def saved(trained, tmp_path):
    save_model(tmp_path / "model", trained)
    return tmp_path / "model"


def tensors_of(model):
    return {**vars(model.projection), **model.classifier.state_dict(), **model.segmenter.state_dict()}


def described(folder, **changes):
    path = folder / DESCRIPTION
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def retensored(folder, change):
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)


def test_a_model_of_a_backbone_without_a_hash_comes_back_without_one_and_fits(trained, tmp_path):
    save_model(tmp_path / "model", replace(trained, weights_sha256=None))
    loaded = load_model(tmp_path / "model")
    assert loaded.weights_sha256 is None
    weights = SimpleNamespace(sha256=None)
    backbone = SimpleNamespace(info=SimpleNamespace(name="litemedsam", weights=weights))
    require_fitting(loaded, trained.classes, backbone)
    weights.sha256 = "ab" * 32
    with pytest.raises(UserError) as caught:
        require_fitting(loaded, trained.classes, backbone)
    assert caught.value.code == "model_does_not_fit"


def test_a_published_model_of_a_backbone_without_a_hash_comes_back_without_one(trained, tmp_path):
    settings = choose_settings("paper", {"network_width": 1})
    network = build_network(settings, 2)
    model = PublishedModel(
        classes=trained.classes, backbone="litemedsam", weights_sha256=None, settings=settings, patients=3,
        window=None, frame_size=256, network=network,
    )  # fmt: skip
    save_model(tmp_path / "model", model)
    assert load_model(tmp_path / "model").weights_sha256 is None


def test_a_model_comes_back_bit_for_bit(trained, saved):
    loaded = load_model(saved)
    before, after = tensors_of(trained), tensors_of(loaded)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) and before[name].dtype == after[name].dtype for name in before)
    for name in ("classes", "backbone", "weights_sha256", "settings", "counts", "patients"):
        assert getattr(loaded, name) == getattr(trained, name), name
    assert not loaded.classifier.training
    assert not loaded.segmenter.training


def test_a_loaded_model_computes_the_same(trained, saved):
    loaded = load_model(saved)
    levels = held({"stage0": torch.randn(1, 6, 64, 64), "last": torch.randn(1, 4, 64, 64)})
    channels = trained.segmenter.image[0].in_channels
    image, cells = torch.rand(1, channels, 256, 256), HeldLevel(torch.randn(2, 6, 8, 8))
    with torch.no_grad():
        networks = trained.segmenter, loaded.segmenter
        drawn = [each.masks(each.merged([(levels, 0)], torch.float32), image) for each in networks]
        assert torch.equal(*drawn)
    assert loaded.segmenter.placed == trained.segmenter.placed
    with torch.no_grad():
        first, second = (one.classifier(next(one.projection.parts(cells))) for one in (trained, loaded))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_same_model_is_the_same_file(trained, saved, tmp_path):
    save_model(tmp_path / "again", load_model(saved))
    for name in (WEIGHTS, DESCRIPTION):
        assert (tmp_path / "again" / name).read_bytes() == (saved / name).read_bytes()


def test_a_newer_model_replaces_an_older_one(trained, saved):
    save_model(saved, replace(trained, patients=9))
    assert load_model(saved).patients == 9


def test_other_people_cannot_read_it(saved):
    assert saved.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("missing", [WEIGHTS, DESCRIPTION])
def test_a_folder_without_a_model_says_so(saved, missing):
    (saved / missing).unlink()
    with pytest.raises(UserError) as caught:
        load_model(saved)
    assert caught.value.code == "no_model"
    assert str(saved) in caught.value.message
    assert caught.value.hint


class Attack:
    """What a pickle may hold: a call that is made when it is read."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was run",))


def truncated(folder):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def header_tampered(folder):
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[:8] = (2**62).to_bytes(8, "little")
    (folder / WEIGHTS).write_bytes(bytes(data))


@pytest.mark.parametrize(
    "spoil",
    [
        truncated,
        header_tampered,
        lambda folder: (folder / WEIGHTS).write_bytes(b""),
        lambda folder: (folder / WEIGHTS).write_bytes(pickle.dumps(Attack())),
        lambda folder: torch.save({"classifier.shared.weight": torch.zeros(1)}, folder / WEIGHTS),
        lambda folder: save_file({"encoder.weight": torch.zeros(3)}, folder / WEIGHTS),
        lambda folder: retensored(folder, lambda tensors: tensors.pop("projection.mean")),
        lambda folder: retensored(folder, lambda tensors: tensors.pop("segmenter.fine.0.bias")),
        lambda folder: retensored(folder, lambda t: t.update({"projection.extra": torch.zeros(1)})),
        lambda folder: retensored(folder, lambda t: t.update({"classifier.shared.weight": torch.zeros(2, 2)})),
        lambda folder: retensored(folder, lambda t: t.update({"projection.components": torch.zeros(6)})),
        lambda folder: described(folder, format="another"),
        lambda folder: described(folder, version=99),
        lambda folder: described(folder, sub_classes=None),
        lambda folder: described(folder, sub_classes=[1]),
        lambda folder: described(folder, sub_classes=[1, -3]),
        lambda folder: described(folder, sub_classes=["many", 3]),
        lambda folder: described(folder, patients="seven"),
        lambda folder: described(folder, patients=float("inf")),
        lambda folder: described(folder, levels={"stage0": 6}),
        lambda folder: described(folder, levels=["stage0", "last"]),
        lambda folder: described(folder, levels={"stage0": 6, "la.st": 4}),
        lambda folder: described(folder, classes=[]),
        lambda folder: described(folder, classes="all"),
        lambda folder: described(folder, settings={"pam_steps": "x"}),
        lambda folder: described(folder, settings=3),
        lambda folder: (folder / DESCRIPTION).write_text("[]", encoding="utf-8"),
        lambda folder: (folder / DESCRIPTION).write_text("{", encoding="utf-8"),
        lambda folder: (folder / DESCRIPTION).write_bytes(b"\xff\xfe\x00"),
    ],
)
def test_tampered_pickled_and_foreign_files_are_refused_in_plain_words(saved, spoil):
    spoil(saved)
    with pytest.raises(UserError) as caught:
        load_model(saved)
    assert caught.value.message
    assert caught.value.hint


def test_a_class_table_that_does_not_fit_the_weights_is_refused(saved):
    described(saved, classes=ClassTable.from_names(["Lunge"]).to_json())
    with pytest.raises(UserError):
        load_model(saved)


def test_a_file_larger_than_any_model_is_not_read(saved, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    monkeypatch.setattr(module, "parse_tensors", lambda data: pytest.fail("was read"))
    with pytest.raises(UserError) as caught:
        load_model(saved)
    assert caught.value.code == "bad_model"
    assert WEIGHTS in caught.value.message
