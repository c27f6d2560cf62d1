"""The presets paper and reference from end to end on SAM, SAMUS and EfficientSAM, small and with random weights.

Random features give rough masks, which is not the point: every stage must take what these backbones give.
"""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK
import torch

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Artifact, Done, Metric, Stage, Warning_
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.data.mask_tags import require_same_grid
from WeakMedSAMLib.engine.data.volumes import read_geometry, read_labels, read_volume, write_volume
from WeakMedSAMLib.engine.methods.published import tuning
from WeakMedSAMLib.engine.methods.registry import load_model
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder

TORCH_THREADS = 1  # networks this small are no faster on several cores, and far slower where those are busy

TAGS = np.repeat(np.array([ABSENT, UNTAGGED, PRESENT, UNTAGGED], np.int8), [1, 2, 3, 4])
# So few steps teach a classifier what most slices show, which is enough for the gate of the published code.
LEARNING = {"epochs": 5, "batch": 4, "micro_batch": 3, "sub_classes": 2, "extractor": "backbone", "learning_rate": 5e-3,
            "prompts": "auto", "grid": 2}  # fmt: skip
# So few steps teach a network to draw something if the background hardly counts.
NETWORK = {"network_epochs": 5, "network_width": 4, "network_learning_rate": 2e-2, "background_weight": 0.1}
STAGES = {
    "paper": ["embed", "sub-classes", "adapters", "pseudo-masks", "tuning", "network", "masks"],
    "reference": ["embed", "sub-classes", "adapters", "pseudo-masks", "network", "masks"],
}


@pytest.fixture(params=STAGES)
def preset(request, monkeypatch):
    """Tuning learns from pieces that two ways draw alike; of random ways none do, so that here every piece counts."""
    monkeypatch.setattr(tuning, "_CONFIDENT", 0.0)
    return request.param


@pytest.fixture(params=["sam_vit_b", "samus", "efficientsam_ti"])
def ran(request, preset, scans, small, tmp_path):
    """A run of one volume that has ended."""
    tags = CohortLabels(ClassTable.from_names(["ball"]), [VolumeLabels("scan 0", states={"ball": TAGS})])
    overrides = {**LEARNING, **NETWORK, "tuning": "tuning" in STAGES[preset]}
    settings = RunSettings(preset=preset, backbone=request.param, device="cpu", overrides=overrides)
    places, events = make_run(tmp_path / "out", scans[:1], tags, settings), []
    run_folder(places.path, build=small.build, report=events.append, cache_root=tmp_path / "cache")
    assert isinstance(events[-1], Done)
    return SimpleNamespace(backbone=request.param, preset=preset, places=places, events=events, scan=scans[0])


def test_a_published_preset_runs_from_tags_to_masks(ran):
    told = [(event.stage, event.state) for event in ran.events if isinstance(event, Stage)]
    assert told == [(stage, state) for stage in STAGES[ran.preset] for state in ("started", "finished")]
    require_stages_with_something_to_do(ran.events)
    require_masks(ran)
    require_names_and_numbers(ran)


def require_stages_with_something_to_do(events):
    """No stage was passed through with nothing in its hands, and no loss is NaN."""
    assert "nothing_confident" not in [event.code for event in events if isinstance(event, Warning_)]
    shown = [event.stage for event in events if isinstance(event, Artifact) and event.kind == "preview"]
    assert shown == ["adapters", "pseudo-masks", "network", ""]
    metrics = [event for event in events if isinstance(event, Metric)]
    assert all(np.isfinite(event.value) for event in metrics)
    learned = {event.stage for event in metrics if event.name == "loss"}
    assert learned == {event.stage for event in events if isinstance(event, Stage)} & {"adapters", "tuning", "network"}


def require_masks(ran):
    """They lie where the scan lies, and are where the tags say that there is something."""
    folder = ran.places.results("000")
    for name in ("labels.nrrd", "segmentation.seg.nrrd", "probability_1.nrrd"):
        require_same_grid(folder / name, read_geometry(folder / name), ran.scan, read_geometry(ran.scan))
    drawn = read_labels(folder / "labels.nrrd")[0].any((1, 2))
    assert drawn[TAGS == PRESENT].all()
    if ran.preset == "paper":  # the published code does not ask the tags
        assert not drawn[TAGS == ABSENT].any()


def require_names_and_numbers(ran):
    """Masks and model say what made them, and every number of theirs is one."""
    image = SimpleITK.ReadImage(str(ran.places.results("000") / "labels.nrrd"))
    said = [image.GetMetaData(f"WeakMedSAM_setting_{name}") for name in ("backbone", "preset")]
    assert said == [ran.backbone, ran.preset]
    model = load_model(ran.places.model)
    assert model.backbone == ran.backbone
    assert all(torch.isfinite(value).all() for value in model.network.state_dict().values())
    quality = (ran.places.results("000") / "quality.json").read_text(encoding="utf-8")
    json.loads(quality, parse_constant=lambda word: pytest.fail(f"{word} in quality.json"))


def test_volumes_without_tags_have_no_say_in_the_range_that_a_model_keeps(small, scans, tmp_path):
    ct, source = tmp_path / "ct.nrrd", read_volume(scans[0])
    body = source.array > np.percentile(source.array, 40)
    write_volume(ct, np.where(body, 40, -1000).astype(np.int16), source.geometry)
    volumes = [VolumeLabels("ct", states={"ball": TAGS}), VolumeLabels("scan 1", n_slices=10)]
    tags = CohortLabels(ClassTable.from_names(["ball"]), volumes)
    few = {"epochs": 1, "sub_classes": 1, "grid": 2, "network_epochs": 1, "network_width": 4}
    settings = RunSettings(preset="paper", backbone="sam_vit_b", device="cpu", overrides=few)
    places = make_run(tmp_path / "out", [ct, scans[1]], tags, settings)
    run_folder(places.path, build=small.build, cache_root=tmp_path / "cache")
    window = load_model(places.model).window
    assert (window.kind, window.low, window.high) == ("ct_window", -160.0, 240.0)
