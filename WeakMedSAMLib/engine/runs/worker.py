"""Runs a run folder: volumes and tags in, a method, results out. Knows the files, so that the stages need not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError, about
from WeakMedSAMLib.contract.events import Artifact, Hello, Warning_
from WeakMedSAMLib.contract.files import private_folder, write_bytes
from WeakMedSAMLib.contract.results import PREVIEW
from WeakMedSAMLib.contract.runs import RunDescription, RunFolder, load_run
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.base.device import choose_device, precision_for, seed_everything
from WeakMedSAMLib.engine.base.reporting import Cancelled, Listener, RunReport
from WeakMedSAMLib.engine.base.setting_checks import override
from WeakMedSAMLib.engine.base.state import StageStore
from WeakMedSAMLib.engine.base.versions import versions
from WeakMedSAMLib.engine.data.orientation import view_of
from WeakMedSAMLib.engine.data.volumes import slice_stack
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.preprocess import to_unit
from WeakMedSAMLib.engine.methods.method import Method, settings_when_applied
from WeakMedSAMLib.engine.methods.registry import find_method, load_model, method_of
from WeakMedSAMLib.engine.parts.assembly import Results, VolumeResult
from WeakMedSAMLib.engine.parts.label_layers import compete
from WeakMedSAMLib.engine.parts.model_files import TrainedModel, save_model
from WeakMedSAMLib.engine.parts.run_context import RunContext
from WeakMedSAMLib.engine.parts.showcase import StagePicture
from WeakMedSAMLib.engine.parts.sub_class_report import SubClassReport
from WeakMedSAMLib.engine.pictures.preview import preview_png
from WeakMedSAMLib.engine.runs.result_overview import used_intensity
from WeakMedSAMLib.engine.runs.results import write_result, write_sub_classes
from WeakMedSAMLib.engine.runs.session import RunSession, require_writable
from WeakMedSAMLib.engine.supervision.cohort import CohortVolume, load_cohort
from WeakMedSAMLib.engine.supervision.knowledge import classes_that_share

__all__ = ["Cancelled", "RunSummary", "run_folder"]

# Settings of a run that say nothing of masks where a model is only applied.
_OF_TRAINING = ("preset", "seed", "subclasses")


@dataclass(frozen=True)
class RunSummary:
    """What a run made, and how long it took.

    Attributes
    ----------
    folder : RunFolder
        The run.
    volume_ids : tuple of str
        Volumes with results, in order.
    seconds : float
        From the start to the last result written.
    seconds_by_stage : dict
        Stage name -> seconds; 0 for a stage whose output was there already.
    """

    folder: RunFolder
    volume_ids: tuple[str, ...]
    seconds: float
    seconds_by_stage: dict[str, float]


def run_folder(
    folder: Path | str,
    device: str | None = None,
    parent: int | None = None,
    report: Listener | None = None,
    cache_root: Path | None = None,
    method: Method[Any, Any] | None = None,
    build: Callable[[str], Backbone] = build_backbone,
) -> RunSummary:
    """Run what a run folder describes; repeated after a cut-off or an edit of its tags, do only what is missing.

    Parameters
    ----------
    folder : Path
        Holds ``run.json``, ``tags.json`` and ``volumes/``.
    device : str, optional
        In place of the one that the run asks for.
    parent : int, optional
        Id of the process without which the run is of no use: once it is gone, the run ends.
    report : callable
        Gets every event; each is also appended to ``events.jsonl``.
    cache_root : Path, optional
        Folder of the feature cache.
    method : Method, optional
        In place of the one that the preset or the model asks for.
    build : callable
        The maker of backbones.

    Returns
    -------
    RunSummary

    Raises
    ------
    UserError
        Whatever the user can put right; told as an event too.
    Cancelled
        The run was asked to stop; the folder can be run again.
    """
    places = RunFolder(Path(folder))
    with RunSession(places, report, parent) as session:
        run = load_run(places.path)
        chosen = choose_device(device or run.settings.device)
        session.report(Hello(versions=versions(), device=str(chosen)))
        seed_everything(run.settings.seed)
        cohort = load_cohort(places, run, session.report)
        require_writable(places.path, _bytes_of_results(cohort, run.classes))
        with FeatureCache(cache_root) as cache:
            backbone = build(run.settings.backbone).to(chosen, precision_for(chosen))
            job = _Job(places, run, cohort, session.report)
            done = job.run(method, backbone, cache)
        return RunSummary(places, tuple(done), session.seconds(), dict(session.report.stages.seconds))


class _Job:
    """The middle part of a run: call the method and write what it yields."""

    def __init__(self, places: RunFolder, run: RunDescription, cohort: list[CohortVolume], report: RunReport) -> None:
        self._places, self._run, self._report = places, run, report
        self._cohort = {volume.id: volume for volume in cohort}

    def run(self, method: Method[Any, Any] | None, backbone: Backbone, cache: FeatureCache) -> list[str]:
        """Write the result of every volume; returns the ids."""
        context = RunContext(
            classes=self._run.classes,
            backbone=backbone,
            cache=cache,
            store=StageStore(self._places.state),
            report=self._report,
            keep_model=self._keep_model,
            keep_sub_classes=self._keep_sub_classes,
            show=self._show,
        )
        return [self._write(volume, result) for volume, result in self._results(method, context)]

    def _results(self, method: Method[Any, Any] | None, context: RunContext) -> Results:
        """Of training with the run's settings, or of a model that is only applied, whose settings are its own."""
        asked, cohort = self._run.settings, list(self._cohort.values())
        model = load_model(Path(asked.model)) if asked.model else None
        if model is not None and not asked.train:
            method = method or method_of(model)
            settings, late = settings_when_applied(method, model.settings, asked.overrides)
            if late:
                self._report(_too_late(late))
            segment = method.update if asked.update else method.apply
            return segment(cohort, settings, context, model)
        method = method or find_method(asked.preset)
        settings = override(method.presets[asked.preset], _overrides(self._run))
        if model is not None and model.method != method.name:
            message = "The model was trained by another method than the run's preset."
            raise UserError("model_does_not_fit", message, "Choose the preset of the model, or begin without a model.")
        return method.run(cohort, settings, context, model)

    def _keep_model(self, model: TrainedModel) -> None:
        save_model(self._places.model, model)
        self._report(Artifact(kind="model", path=self._relative(self._places.model)))

    def _keep_sub_classes(self, found: list[SubClassReport]) -> None:
        views = {id_: view_of(volume.scan.geometry, volume.axis) for id_, volume in self._cohort.items()}
        for file in write_sub_classes(self._places, found, views):
            self._report(Artifact(kind="report", path=self._relative(file)))

    def _write(self, volume: CohortVolume, result: VolumeResult) -> str:
        with about(volume.id):
            self._write_files(volume, result)
        return volume.id

    def _write_files(self, volume: CohortVolume, result: VolumeResult) -> None:
        folder = private_folder(self._places.results(volume.id))
        geometry = volume.scan.geometry
        write_result(folder, result, geometry, self._run.classes, volume.axis, _attributes(self._run), volume.numbering)
        self._report(Artifact(kind="result", path=self._relative(folder), volume=volume.id))
        write_bytes(folder / PREVIEW, self._preview(volume, result))
        self._report(Artifact(kind="preview", path=self._relative(folder / PREVIEW), volume=volume.id))

    def _show(self, picture: StagePicture) -> None:
        """Write what a stage makes of the example slice, so that a person can watch it take shape."""
        volume = self._cohort[picture.volume]
        view = view_of(volume.scan.geometry, volume.axis)
        classes = self._run.classes
        won = compete(picture.maps, classes_that_share(classes), 0.5)
        labels = won * np.reshape(classes.label_values, (-1, 1, 1))
        file = private_folder(self._places.previews) / f"{picture.stage}.png"
        write_bytes(file, preview_png(view.shown(picture.image), np.stack([*map(view.shown, labels)]), self._colours()))
        self._report(Artifact(kind="preview", path=self._relative(file), volume=volume.id, stage=picture.stage))

    def _colours(self) -> dict[int, tuple[int, int, int]]:
        return {entry.label_value: entry.color for entry in self._run.classes}

    def _preview(self, volume: CohortVolume, result: VolumeResult) -> bytes:
        """PNG of the slice with the largest mask, turned as a radiologist looks at it."""
        scan = volume.scan
        view = view_of(scan.geometry, volume.axis)
        layers = slice_stack(result.layers, volume.axis)
        best = int(np.count_nonzero(layers, axis=(0, 2, 3)).argmax())
        intensity = used_intensity(result.quality, scan, volume.intensity)
        image = to_unit(slice_stack(scan.array, volume.axis)[best], intensity)
        labels = np.stack([view.shown(layer[best]) for layer in layers])
        return preview_png(view.shown(image), labels, self._colours())

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._places.path).as_posix()


def _too_late(names: list[str]) -> Warning_:
    return Warning_(
        code="settings_of_training",
        message=f"A model that is only applied has its own settings; not used: {', '.join(map(repr, names))}.",
        hint="Train with these settings, or leave them out.",
        values={"names": names},
    )


def _bytes_of_results(cohort: list[CohortVolume], classes: ClassTable) -> int:
    """At most: label maps and one probability map a class, uncompressed."""
    layers = 1 + max(classes.layers, default=0)
    return sum(prod(volume.scan.geometry.size) for volume in cohort) * (layers + len(classes))


def _overrides(run: RunDescription) -> dict[str, Any]:
    settings = run.settings
    chosen = {"seed": settings.seed, "subclasses": settings.subclasses}
    return {**{name: value for name, value in chosen.items() if value is not None}, **settings.overrides}


def _attributes(run: RunDescription) -> dict[str, str]:
    """What a segmentation says of its making; of a model that was only applied, nothing that its training chose."""
    hidden = {"model"} if run.settings.train else {"model", *_OF_TRAINING}
    settings = {f"setting_{name}": str(value) for name, value in asdict(run.settings).items() if name not in hidden}
    return {"run_id": run.run_id, **settings, **{f"version_{name}": text for name, text in versions().items()}}
