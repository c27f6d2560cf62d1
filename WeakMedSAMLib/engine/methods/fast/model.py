"""What training leaves behind, and how it is kept: safetensors and JSON, nothing that could run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as pack_tensors

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import json_text, private_folder, read_json, replacing_all
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.features.preprocess import Intensity
from WeakMedSAMLib.engine.methods.fast.projection import Projection
from WeakMedSAMLib.engine.methods.fast.sce import SliceClassifier
from WeakMedSAMLib.engine.methods.fast.segmenter import Segmenter
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings, choose_settings
from WeakMedSAMLib.engine.methods.published.model import PublishedModel
from WeakMedSAMLib.engine.parts.model_files import (
    _FORMAT,
    _MOST_BYTES,
    _VERSION,
    DESCRIPTION,
    WEIGHTS,
    _bad_model,
    _require_numbers,
    known_axis,
    optional_text,
)


@dataclass(frozen=True)
class FastModel:
    """All that is needed to segment a volume without tags.

    Attributes
    ----------
    classes : ClassTable
        What it segments.
    backbone, weights_sha256 : str
        The backbone, and the weights, whose features it reads.
    settings : FastSettings
        It was trained with.
    counts : tuple of int
        Sub-classes of each class.
    patients : int
        Patients that it learned from.
    window : Intensity or None
        Range of grey values that all volumes shared that it learned from.
    projection : Projection
    classifier : SliceClassifier
    segmenter : Segmenter
    axis : str or None
        Slice axis that it learned along; None where that is not known, or was not the same for all.
    """

    classes: ClassTable
    backbone: str
    weights_sha256: str | None
    settings: FastSettings
    counts: tuple[int, ...]
    patients: int
    window: Intensity | None
    projection: Projection
    classifier: SliceClassifier
    segmenter: Segmenter
    axis: str | None = None


def require_classes(model: FastModel | PublishedModel, classes: ClassTable) -> None:
    """Refuse a model of other classes; `UserError` ``model_does_not_fit``."""
    if tuple(model.classes.names) != tuple(classes.names):
        known, asked = ", ".join(model.classes.names), ", ".join(classes.names)
        message = f"The model knows the classes {known}; the run has {asked}."
        raise UserError("model_does_not_fit", message, "Use the class table of the model.")


def require_fitting(model: FastModel | PublishedModel, classes: ClassTable, backbone: Backbone) -> None:
    """Refuse a model of other classes or of another backbone.

    Raises
    ------
    UserError
        ``model_does_not_fit``.
    """
    require_classes(model, classes)
    if (model.backbone, model.weights_sha256) != (backbone.info.name, backbone.info.weights.sha256):
        message = f"The model was trained on features of {model.backbone}, other weights than this run's."
        raise UserError("model_does_not_fit", message, f"Run with the backbone {model.backbone} and its weights.")


def save_model(folder: Path, model: FastModel | PublishedModel) -> None:
    """Write the model into ``folder``; `UserError` ``cannot_write``."""
    private_folder(folder)
    if isinstance(model, PublishedModel):
        tensors, about = model.tensors(), model.description()
    else:
        tensors, about = tensors_of(model), _description(model)
    packed = pack_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    described = json_text({"format": _FORMAT, "version": _VERSION, **about}).encode("utf-8")
    with replacing_all([folder / WEIGHTS, folder / DESCRIPTION]) as (weights, description):
        weights.write_bytes(packed)
        description.write_bytes(described)


def load_model(folder: Path) -> FastModel | PublishedModel:
    """Read a model that `save_model` wrote.

    Raises
    ------
    UserError
        ``no_model``, ``bad_model``.
    """
    path = folder / WEIGHTS
    if not path.is_file() or not (folder / DESCRIPTION).is_file():
        raise UserError("no_model", f"{folder} holds no trained model.", "Give the folder of a finished run's model.")
    about = read_json(folder / DESCRIPTION)
    if not isinstance(about, dict) or (about.get("format"), about.get("version")) != (_FORMAT, _VERSION):
        raise _bad_model(folder / DESCRIPTION, "it is not a model description of this version")
    if path.stat().st_size > _MOST_BYTES:
        raise _bad_model(path, f"{path.stat().st_size} bytes are more than any model has")
    try:
        tensors = parse_tensors(path.read_bytes())
        _require_numbers(tensors)
        rebuilt = PublishedModel.rebuilt if about.get("method") == "published" else _rebuild
        return rebuilt(about, tensors)
    except (
        LookupError,
        TypeError,
        ValueError,
        ArithmeticError,
        RuntimeError,
        AttributeError,
        SafetensorError,
    ) as error:
        raise _bad_model(path, (str(error).splitlines() or [type(error).__name__])[0]) from error


def tensors_of(model: FastModel) -> dict[str, torch.Tensor]:
    """All that training has made, by part and name."""
    parts: dict[str, Mapping[str, torch.Tensor]] = {
        "projection": vars(model.projection),
        "classifier": model.classifier.state_dict(),
        "segmenter": model.segmenter.state_dict(),
    }
    return {f"{part}.{name}": tensor for part, all_ in parts.items() for name, tensor in all_.items()}


def _description(model: FastModel) -> dict[str, Any]:
    return {
        "classes": model.classes.to_json(),
        "backbone": model.backbone,
        "weights_sha256": model.weights_sha256,
        "settings": asdict(model.settings),
        "sub_classes": list(model.counts),
        "patients": model.patients,
        "window": model.window and model.window.to_json(),
        "axis": model.axis,
        "levels": model.segmenter.channels,
    }


def _rebuild(about: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> FastModel:
    parts: dict[str, dict[str, torch.Tensor]] = {"projection": {}, "classifier": {}, "segmenter": {}}
    for key, tensor in tensors.items():
        part, _, name = key.partition(".")
        parts[part][name] = tensor
    _require_projection(parts["projection"])
    counts = tuple(int(count) for count in about["sub_classes"])
    classes = ClassTable.from_json(about["classes"])
    if len(classes) != len(counts):
        raise ValueError(f"it has weights for {len(counts)} class(es), but names {len(classes)}")
    projection = Projection(**parts["projection"])
    # Without memory until the file's own tensors take their places: a description may claim any number of channels.
    with torch.device("meta"):
        classifier = SliceClassifier(projection.components.shape[1], counts)
        segmenter = Segmenter(about["levels"], len(counts))
    classifier.load_state_dict(parts["classifier"], assign=True)
    segmenter.load_state_dict(parts["segmenter"], assign=True)
    segmenter.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as it was built
    return FastModel(
        classes=classes,
        backbone=str(about["backbone"]),
        weights_sha256=optional_text(about["weights_sha256"]),
        settings=cast(FastSettings, choose_settings("fast", about["settings"])),
        counts=counts,
        patients=int(about["patients"]),
        window=Intensity.from_json(window) if (window := about["window"]) else None,
        projection=projection,
        classifier=classifier.eval(),
        segmenter=segmenter.eval(),
        axis=known_axis(about),
    )


def _require_projection(tensors: Mapping[str, torch.Tensor]) -> None:
    """Means and deviations of C channels, all deviations positive, and C x D components."""
    channels = tensors["components"].shape[0]
    if any(tensors[name].shape != (channels,) for name in ("mean", "std", "centre")) or not (tensors["std"] > 0).all():
        raise ValueError("its projection does not fit together")
