"""Backbones by their names, and weights that are not theirs."""

from __future__ import annotations

import pytest
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones import networks as state_dicts
from WeakMedSAMLib.engine.backbones import registry
from WeakMedSAMLib.engine.backbones.litemedsam import build_litemedsam
from WeakMedSAMLib.engine.backbones.registry import available, build_backbone, register


def test_a_backbone_is_known_by_its_name():
    assert "litemedsam" in available()
    with pytest.raises(UserError, match="'sam_xxl'") as caught:
        build_backbone("sam_xxl")
    assert "litemedsam" in caught.value.hint


def test_a_name_is_given_once(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "_builders", dict(registry._builders))
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
    monkeypatch.setattr(state_dicts, "load_weights", lambda name, folder: {"layer.weight": torch.zeros(1)})
    with pytest.raises(UserError) as caught:
        build_litemedsam()
    assert caught.value.code == "weights_do_not_fit"
