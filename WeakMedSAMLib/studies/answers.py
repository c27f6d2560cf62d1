"""How long a reader waits: for the masks of an update, and for what a box stands for; and what memory that holds.

The worker is the process that 3D Slicer keeps, asked as Slicer asks it. What the window itself does before and after is
not in these figures: it writes the run folder, and puts masks into the scene (`Testing/flows/update_clicks.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813
import torch

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.resident import BoxRanges, Mask, Open, Predict
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.contract.stages import HANDING
from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.base.device import choose_device
from WeakMedSAMLib.engine.base.versions import versions
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, tags_from_masks
from WeakMedSAMLib.engine.data.segmentations import read_mask
from WeakMedSAMLib.engine.data.volumes import read_volume, write_volume
from WeakMedSAMLib.engine.evaluation.demo import LUNGS, demo_scan
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies.accuracy_report import machine
from WeakMedSAMLib.studies.gestures import a_tenth
from WeakMedSAMLib.studies.large_scan import resample
from WeakMedSAMLib.studies.resident_asker import WORKER, ResidentAsker

SCHEMA = "weakmedsam-answers-1"
# What the packaged segmentation of the scan has, by number of classes.
CLASSES = {
    1: (LUNGS,),
    4: (
        MaskClass("right lung", (5,)),
        MaskClass("left lung", (6,)),
        MaskClass("thoracic spine", (3,)),
        MaskClass("lumbar spine", (4,)),
    ),
}
_NAME = "scan"
_BOXES = 5  # slices that are asked about
_SETTLES_S = 1.0  # from the last answer until a worker counts as idle

Say = Callable[[str], object]


@dataclass(frozen=True)
class AnswersOptions:
    """What is measured.

    Attributes
    ----------
    slices, edge : int
        To which the chest CT of the demonstration is resampled.
    classes : tuple of int
        Numbers of classes, of `CLASSES`.
    repeats : int
        Updates after the first one of a process; the median counts.
    idle_s : float
        Seconds without a request after which the worker ends: a setting, ten minutes otherwise.
    backbone, device : str
        As of `runs.RunSettings`.
    overrides : tuple
        Settings of the method in place of the preset's.
    """

    slices: int = 100
    edge: int = 256
    classes: tuple[int, ...] = (1, 4)
    repeats: int = 3
    idle_s: float = 5.0
    backbone: str = "litemedsam"
    device: str = "auto"
    overrides: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class _Scan:
    """The scan of the benchmark: its file, and true masks by class."""

    file: Path
    masks: dict[str, np.ndarray]

    @classmethod
    def made(cls, options: AnswersOptions, classes: Sequence[MaskClass], place: Path) -> _Scan:
        """The demonstration's chest CT in so many slices; `UserError` ``demo_data_missing``."""
        found, size = demo_scan(), (options.edge, options.edge, options.slices)
        file, whole, labels = (place / f"{name}.nrrd" for name in (_NAME, "whole", "labels"))
        resample(found.volume, file, size, sitk.sitkLinear)
        geometry = read_volume(found.volume).geometry
        (values,) = read_mask(found.segmentation).on(geometry, found.volume).layers
        write_volume(whole, values, geometry)
        resample(whole, labels, size, sitk.sitkNearestNeighbor)
        true = read_volume(labels).array
        return cls(file, {one.name: np.isin(true, one.values) for one in classes})

    @property
    def table(self) -> ClassTable:
        """Its classes."""
        return ClassTable.from_names(list(self.masks))

    def tags(self) -> VolumeLabels:
        """Tags of all slices."""
        return tags_from_masks(_NAME, None, self.masks)

    def correct(self, labels: VolumeLabels) -> int:
        """Draw a tenth of the slices that show a class, evenly; returns on how many anything is drawn."""
        drawn = set()
        for name, mask in self.masks.items():
            shown = np.flatnonzero(mask.any((1, 2)))
            for index in _evenly(shown, a_tenth(len(shown))):
                PAINTED.put(labels, name, index, "drawn", mask[index].astype(np.uint8))
                drawn.add(index)
        return len(drawn)

    def boxes(self) -> dict[int, BoxRanges]:
        """Slices, and a box around the first class on each."""
        mask = next(iter(self.masks.values()))
        shown = np.flatnonzero(mask.any((1, 2)))
        found = {}
        for index in _evenly(shown, _BOXES):
            rows, columns = (np.flatnonzero(mask[index].any(axis)) for axis in (1, 0))
            found[index] = ((int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1])))
        return found


def measure_answers(
    options: AnswersOptions,
    say: Say = lambda _text: None,
    worker: Sequence[str] = WORKER,
    build: Callable[[str], Backbone] = build_backbone,
) -> dict[str, Any]:
    """Generate masks, correct some slices, and ask a worker for updates and boxes.

    Parameters
    ----------
    options : AnswersOptions
    say : callable, optional
        Takes a line now and then.
    worker : sequence of str
        What Python is called with to start the worker.
    build : callable
        The maker of backbones, for the run in this process.

    Returns
    -------
    dict
        JSON values; seconds and MB. ``updates`` by number of classes, each with ``cold`` (from the start of the
        process), ``resident`` (the median of later ones), ``cancel`` and ``memory``; ``boxes``; ``load`` of the machine
        before.

    Raises
    ------
    UserError
        ``demo_data_missing``, and what runs and the worker raise.
    """
    updates, boxes, load = {}, None, _load()
    for count in options.classes:
        with TemporaryDirectory(prefix="answers-") as folder:
            place = Path(folder)
            scan = _Scan.made(options, CLASSES[count], place / "scan")
            say(f"{count} class(es): generating")
            bench = _Bench(options, scan, place, worker, build)
            updates[str(count)] = bench.updates(say)
            boxes = boxes or bench.boxes(say)
    return {
        "schema": SCHEMA,
        "scan": demo_scan().volume.name,
        "slices": options.slices,
        "edge": options.edge,
        "backbone": options.backbone,
        "device": str(choose_device(options.device)),
        "threads": torch.get_num_threads(),
        "load": load,
        "idle_s": options.idle_s,
        "updates": updates,
        "boxes": boxes,
        "machine": machine(),
        "versions": versions(),
    }


class _Bench:
    """A run of one scan that is done, and workers that are asked about it."""

    def __init__(
        self,
        options: AnswersOptions,
        scan: _Scan,
        place: Path,
        worker: Sequence[str],
        build: Callable[[str], Backbone],
    ) -> None:
        self._options, self._scan, self._place, self._worker = options, scan, place, worker
        self._cache = place / "features"
        self._settings = RunSettings(
            backbone=options.backbone, device=options.device, overrides=dict(options.overrides)
        )
        run = self._made("generated", scan.tags(), self._settings)
        done = run_folder(run.path, options.device, cache_root=self._cache, build=build)
        self._model, self._generated_s = run.model.resolve(), done.seconds
        (self._labels,) = read_label_file(run.tags).volumes
        self._drawn = scan.correct(self._labels)

    def updates(self, say: Say) -> dict[str, Any]:
        """How long updates take, from nothing and later, and memory; see `measure_answers`."""
        settings = replace(self._settings, model=str(self._model), train=False, update=True)
        numbers = range(self._options.repeats + 2)
        first, *others, last = (self._made(f"update-{number}", self._labels, settings).path for number in numbers)
        with self._asker("updates") as asker:
            say("Update, from nothing")
            cold = asker.update(first, is_first=True)
            say("Update, resident")
            later = sorted((asker.update(path) for path in others), key=lambda one: one.seconds)
            cancelled = asker.update(last, cancel_in=HANDING)
            sleep(_SETTLES_S)
            memory = {"peak": _rounded(asker.peak_mb), "idle": _rounded(asker.memory_mb)}
            gone = self._gone(asker)
        return {
            "shown": int(np.count_nonzero(np.any([mask.any((1, 2)) for mask in self._scan.masks.values()], axis=0))),
            "drawn": self._drawn,
            "generate": round(self._generated_s, 1),
            "cold": cold.to_json(),
            "resident": later[len(later) // 2].to_json(),
            "resident_all": [round(one.seconds, 3) for one in later],
            "cancel": round(cancelled.seconds, 3),
            "memory": memory,
            "gone": gone,
        }

    def boxes(self, say: Say) -> dict[str, Any]:
        """How long the answer to a box takes: the first of a process, where features are there, and where not."""
        say("Boxes")
        known, other = self._place / "boxes" / "a.nrrd", self._place / "boxes" / "b.nrrd"
        scan, asked = read_volume(self._scan.file), self._scan.boxes()
        for file, voxels in ((known, scan.array), (other, scan.array[::-1])):
            file.parent.mkdir(exist_ok=True)
            write_volume(file, voxels, scan.geometry)
        with self._asker("boxes") as asker:
            ready, before = asker.wait_ready(), asker.memory_mb
            (first_index, first_box), *rest = asked.items()
            self._open(asker, known)
            first = self._ask(asker, known, first_index, first_box, is_encoded=False)
            from_nothing = perf_counter() - asker.started
            cached = [first, *(self._ask(asker, known, *one, is_encoded=False) for one in rest)]
            self._open(asker, other)
            last = len(scan.array) - 1
            encoded = [self._ask(asker, other, last - index, box, is_encoded=True) for index, box in asked.items()]
            sleep(_SETTLES_S)
            memory = {
                "ready": _rounded(before),
                "peak": _rounded(asker.peak_mb),
                "idle": _rounded(asker.memory_mb),
            }
            gone = self._gone(asker)
        return {
            "ready": round(ready, 3),
            "from_nothing": round(from_nothing, 3),
            "cached": round(median(cached), 3),
            "cached_slowest": round(max(cached), 3),
            "encoded": round(median(encoded), 3),
            "encoded_slowest": round(max(encoded), 3),
            "memory": memory,
            "gone": gone,
        }

    def _made(self, name: str, labels: VolumeLabels, settings: RunSettings) -> RunFolder:
        table = CohortLabels(self._scan.table, [labels])
        return make_run(self._place / name, [self._scan.file], table, settings, names=[_NAME])

    def _asker(self, name: str) -> ResidentAsker:
        options = self._options
        return ResidentAsker(
            self._place / name, self._cache, options.backbone, options.device, options.idle_s, self._worker
        )

    def _open(self, asker: ResidentAsker, file: Path) -> None:
        asker.ask(Open(asker.new_id, file.stem, file.name, read_volume(file).sha256))

    def _ask(self, asker: ResidentAsker, file: Path, index: int, box: BoxRanges, is_encoded: bool) -> float:
        """Seconds until a box is answered."""
        answer, seconds = asker.ask(Predict(asker.new_id, file.stem, index, (box,)))
        if not isinstance(answer, Mask) or answer.encoded != is_encoded:
            raise AssertionError(f"the worker answered {answer}")
        return seconds

    def _gone(self, asker: ResidentAsker) -> dict[str, Any]:
        """Why the worker ended, and the seconds after the last answer."""
        bye, seconds = asker.wait_end()
        return {"reason": bye.reason, "seconds": round(_SETTLES_S + seconds, 2)}


def _evenly(indices: np.ndarray, count: int) -> list[int]:
    """So many of these, as far from each other as from both ends."""
    found: list[int] = indices[np.linspace(0, len(indices) - 1, count + 2).round().astype(int)[1:-1]].tolist()
    return found


def _load() -> float | None:
    """Programs that compute now, as a mean over a minute; None where the system does not say it."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _rounded(megabytes: float | None) -> int | None:
    return None if megabytes is None else round(megabytes)
