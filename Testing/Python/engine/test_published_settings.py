"""Settings of the published method: what is refused, what survives JSON, what the presets are."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.methods.published.settings import PAPER, REFERENCE, Defect, PublishedSettings


def test_the_paper_has_no_defect_and_the_reference_all_of_them():
    assert PAPER.defects == ()
    assert set(REFERENCE.defects) == set(Defect)
    assert len(Defect) == 13


def test_published_values_are_the_defaults():
    published = {"sub_classes": 8, "sub_class_weight": 0.5, "epochs": 10, "batch": 24, "learning_rate": 1e-4}
    published |= {"weight_decay": 0.01, "head": "linear", "pooling": "average", "grid": 4, "pam_radius": 5}
    published |= {"pam_beta": 4.0, "pam_steps": 4, "blur": 21, "threshold": 0.5, "network_batch": 128}
    published |= {"network_weight_decay": 0.1, "network_epochs": 10, "network_learning_rate": 1e-4}
    assert {name: getattr(PAPER, name) for name in published} == published


@pytest.mark.parametrize("settings", [PAPER, REFERENCE, PublishedSettings(defects=("no_relu", Defect.MASK_SCALE))])
def test_settings_survive_json(settings):
    assert PublishedSettings(**json.loads(json.dumps(asdict(settings)))) == settings


def test_defects_are_taken_by_name_in_any_order_and_kept_in_one():
    first = PublishedSettings(defects=["no_relu", "grid_in_corner", "no_relu"])
    assert first == PublishedSettings(defects=(Defect.GRID_IN_CORNER, Defect.NO_RELU))
    assert first.has(Defect.NO_RELU)
    assert not first.has(Defect.MASK_SCALE)
    assert PublishedSettings(defects="no_relu").defects == (Defect.NO_RELU,)


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("head", "deep", "linear or conv"),
        ("encoder", None, "adapted or frozen"),
        ("epochs", 0, "1 or more"),
        ("epochs", 2.5, "whole number"),
        ("batch", True, "whole number"),
        ("learning_rate", float("nan"), "number"),
        ("learning_rate", float("inf"), "number"),
        ("learning_rate", -1, "0 or more"),
        ("threshold", 1.5, "1 or less"),
        ("validation_share", 0.6, "0.5 or less"),
        ("blur", 4, "odd"),
        ("flips", 1, "true or false"),
        ("defects", ["no_rule"], "no_relu"),
    ],
)
def test_what_cannot_be_is_refused_by_name(name, value, takes):
    with pytest.raises(UserError) as caught:
        PublishedSettings(**{name: value})
    assert caught.value.code == "bad_setting"
    assert name in caught.value.message
    assert takes in caught.value.hint
