"""A method of its own, and the least that one needs: what is brighter than a threshold learned from tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.engine.base.setting_checks import Limits, override
from WeakMedSAMLib.engine.base.state import stage_key
from WeakMedSAMLib.engine.features.slices import framed_cohort
from WeakMedSAMLib.engine.methods.method import Method
from WeakMedSAMLib.engine.parts.assembly import DrawnClass, assemble_result, tell_results
from WeakMedSAMLib.engine.parts.model_files import TrainedModel, read_common, require_classes

PRESET, STAGE = "toy", "threshold"
_SIZE = 64
_LIMITS = Limits(choices={}, least={}, most={"quantile": 1.0})


@dataclass(frozen=True)
class ToySettings:
    seed: int = 0
    quantile: float = 0.98

    def __post_init__(self):
        _LIMITS.check(self)


@dataclass(frozen=True, kw_only=True)
class ToyModel(TrainedModel):
    method: ClassVar[str] = "toy"
    reads_features: ClassVar[bool] = False

    thresholds: torch.Tensor  # C

    def tensors(self):
        return {"thresholds": self.thresholds}


class ToyMethod:
    name, read_when_applied = "toy", ()
    presets = {PRESET: ToySettings()}  # noqa: RUF012 - as a method has it

    def run(self, cohort, settings, context, start):
        volumes = list(framed_cohort(cohort, _SIZE))
        key = stage_key(settings, [volume.features.image for volume in volumes], [volume.tags for volume in volumes])

        def learn():
            return {"thresholds": np.array([_threshold(volumes, c, settings) for c in range(len(context.classes))])}

        thresholds = context.run_stage(STAGE, key, learn, lambda kept: torch.from_numpy(np.array(kept["thresholds"])))
        backbone = context.backbone.info
        model = ToyModel(
            classes=context.classes, backbone=backbone.name, weights_sha256=backbone.weights.sha256, settings=settings,
            patients=len({volume.patient for volume in volumes if volume.tagged}), window=None, thresholds=thresholds,
        )  # fmt: skip
        context.keep_model(model)
        return self.apply(cohort, settings, context, model)

    def apply(self, cohort, settings, context, model):
        require_classes(model, context.classes)

        def result_of(source, volume, number):
            drawn = [_draw(volume, c, float(value)) for c, value in enumerate(model.thresholds)]
            return assemble_result(source, volume, context.classes, drawn, model.patients)

        return tell_results(cohort, framed_cohort(cohort, _SIZE), context.report, result_of)

    def load(self, about, tensors):
        settings = override(ToySettings(), about["settings"])
        return ToyModel(**read_common(about), settings=settings, thresholds=tensors["thresholds"])


def _threshold(volumes, column, settings):
    """The quantile of the grey values on the slices that show a class, float32."""
    shown = [volume.features.image[volume.tags[:, column] == PRESENT].ravel() for volume in volumes]
    return np.float32(np.quantile(np.concatenate(shown), settings.quantile))


def _draw(volume, column, threshold):
    rows = np.flatnonzero(volume.tags[:, column] != ABSENT)
    masks = (volume.features.image[rows] > threshold).astype(np.float32)
    return DrawnClass(masks, rows, np.ones(len(rows)), np.ones(volume.n_slices))


METHOD: Method[ToySettings, ToyModel] = ToyMethod()
