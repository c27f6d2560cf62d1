"""Backbones by their names, and weights that are not theirs."""

from __future__ import annotations

import pytest
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones import registry, weights_loading
from WeakMedSAMLib.engine.backbones.registry import available, build_backbone, register
from WeakMedSAMLib.engine.backbones.tinyvit import build_litemedsam


def test_a_backbone_is_known_by_its_name():
    assert "litemedsam" in available()
    with pytest.raises(UserError, match="'sam_xxl'") as caught:
        build_backbone("sam_xxl")
    assert "litemedsam" in caught.value.hint


def test_a_name_is_given_once(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    mine, folders = object(), []

    @register("mine")
    def build_mine(weights_folder, untrained):
        folders.append(weights_folder)
        return mine

    assert build_backbone("mine", tmp_path) is mine
    assert folders == [tmp_path]
    register("mine")(build_mine)
    with pytest.raises(ValueError, match="'mine'"):
        register("mine")(build_litemedsam)


def test_weights_of_another_network_are_an_error(monkeypatch):
    monkeypatch.setattr(weights_loading, "load_weights", lambda name, folder: {"layer.weight": torch.zeros(1)})
    with pytest.raises(UserError) as caught:
        build_litemedsam()
    assert caught.value.code == "weights_do_not_fit"
