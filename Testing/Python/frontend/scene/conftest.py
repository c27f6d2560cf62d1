"""Runs with results made up, so that nothing has to be learned for a test."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK


@pytest.fixture
def lib(host):
    """The parts of the frontend that these tests look into."""
    from WeakMedSAMLib.contract import nrrd
    from WeakMedSAMLib.frontend.base import steps
    from WeakMedSAMLib.frontend.results import (
        export_work,
        exports,
        report,
        run_results,
        segment_images,
        segment_tags,
        thresholds,
    )
    from WeakMedSAMLib.frontend.results.result_loading import ResultLoader
    from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
    from WeakMedSAMLib.frontend.scene import raw_nrrd, scene_volumes, slice_views
    from WeakMedSAMLib.frontend.scene.module_state import ModuleState
    from WeakMedSAMLib.frontend.scene.run_records import RunRecord

    history = SegmentHistory()
    return SimpleNamespace(
        exports=exports,
        work=export_work,
        raw=SimpleNamespace(
            readSteps=nrrd.read_image_steps,
            readFields=nrrd.read_fields,
            writeSteps=raw_nrrd.writeSteps,
        ),
        report=report,
        results=run_results,
        volumes=scene_volumes,
        history=history,
        loader=ResultLoader(host.slicer.mrmlScene, history),
        images=segment_images,
        segments=segment_tags,
        views=slice_views,
        steps=steps,
        thresholds=thresholds,
        ModuleState=ModuleState,
        RunRecord=RunRecord,
        end=steps.runToEnd,
    )


@pytest.fixture
def make_run(lib, tmp_path):
    """make_run([volume, ...], labels=None, probabilities=None, confidence=0.8): a run folder with results, its record.

    `labels` is an array for all volumes; by default class 1 and class 7 side by side. With four axes it is layers, as
    of classes that may share voxels.
    """
    from WeakMedSAMLib.contract.classes import ClassTable
    from WeakMedSAMLib.contract.runs import RunDescription, RunVolume, save_run

    two = ClassTable.from_json(
        [{"name": "Läsion", "label_value": 1}, {"name": "organ", "label_value": 7, "color": [10, 20, 30]}]
    )

    def make(volumes, labels=None, probabilities=None, confidence=0.8, axis="k", classes=two):
        count = len(list(tmp_path.iterdir()))
        # As of real runs, no two names are alike: run folders are looked for by name where earlier ones were put.
        folder = tmp_path / f"run é {tmp_path.name} {count}"
        entries = [RunVolume(f"{i:03d}", f"volumes/{i:03d}.nrrd", v.GetName()) for i, v in enumerate(volumes)]
        description = RunDescription(
            volumes=entries, classes=classes, run_id=f"{count:032x}", versions={"torch": "2.13"}
        )
        save_run(folder, description)
        for entry, volume in zip(entries, volumes, strict=True):
            shape = lib.volumes.arrayOf(volume).shape
            map_ = make_labels(shape) if labels is None else labels
            maps = make_probabilities(map_) if probabilities is None else probabilities
            place = folder / "results" / entry.id
            place.mkdir(parents=True)
            matrix = lib.volumes.ijkToRas(volume)
            if map_.ndim == 4:
                write_layers(place / "labels.nrrd", map_, matrix, classes)
            else:
                write_as_engine(place / "labels.nrrd", map_, matrix)
            for value, map_of_class in maps.items():
                write_as_engine(place / f"probability_{value}.nrrd", map_of_class, matrix)
            told = quality(map_ if map_.ndim == 3 else map_.max(0), classes, confidence, axis)
            (place / "quality.json").write_text(json.dumps(told), "utf-8")
        record = lib.RunRecord(
            description.run_id,
            str(folder),
            "2026-11-21T19:15:09+00:00",
            "finished",
            preset="fast",
            device="cpu",
            classes=classes.to_json(),
            volumes={entry.id: volume.GetID() for entry, volume in zip(entries, volumes, strict=True)},
        )
        return SimpleNamespace(folder=folder, record=record, classes=classes, result=lib.results.readRun(folder))

    return make


def write_as_engine(path, array, matrix):
    """Write a map with SimpleITK, as the worker does; `matrix` leads from voxel index to RAS."""
    image = SimpleITK.GetImageFromArray(array)
    axes, origin = np.diag([-1, -1, 1]) @ matrix[:3, :3], np.diag([-1, -1, 1]) @ matrix[:3, 3]
    spacing = np.linalg.norm(axes, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((axes / spacing).ravel().tolist())
    image.SetOrigin(origin.tolist())
    SimpleITK.WriteImage(image, str(path), True)


def write_layers(path, layers, matrix, classes):
    """Write masks of classes that may share voxels, layers x k x j x i, as the worker does."""
    from WeakMedSAMLib.contract.nrrd import write_image
    from WeakMedSAMLib.contract.segmentation_header import HeaderSegment, segmentation_fields

    segments = [
        HeaderSegment(f"Segment_{entry.label_value}", entry.name, (1, 0, 0), entry.label_value, "", layer)
        for entry, layer in zip(classes, classes.layers, strict=True)
    ]
    write_image(path, layers, matrix, segmentation_fields(segments, layers.shape[1:], ""), "gzip")


def make_labels(shape):
    """Two boxes side by side, 1 and 7."""
    labels = np.zeros(shape, np.uint8)
    k, j, i = (slice(n // 4, max(n // 4 + 1, 3 * n // 4)) for n in shape)
    labels[k, j, i] = 1
    labels[k, j, i.start : (i.start + i.stop) // 2] = 7
    return labels


def make_probabilities(labels):
    """Falling off from the mask; a few voxels of either class everywhere."""
    noise = np.random.default_rng(5).integers(0, 90, labels.shape)
    return {value: np.where(labels == value, 130 + noise, noise).astype(np.uint8) for value in (1, 7)}


def quality(labels, classes, confidence, axis):
    """What the engine writes about a result."""
    counts = labels.shape["kji".index(axis)]
    sure = np.linspace(0.2, 1, counts).round(3).tolist()
    report = {
        "confidence": confidence,
        "slices": counts,
        "present_without_mask": [0],
        "volume_ml": 1.5,
        "slice_confidence": sure,
        "slice_probability": sure,
    }
    return {
        "confidence": confidence,
        "low_confidence": confidence < 0.6,
        "advice": "Tag more volumes, eight or more if you can." if confidence < 0.6 else "",
        "slice_confidence": sure,
        "classes": dict.fromkeys(classes.names, report),
        "patients": 1,
        "intensity": {},
        "axis": axis,
    }


@pytest.fixture
def voxels_of(lib):
    """voxels_of(segmentation, segment id, shape): its voxels on the whole grid, bool."""

    def voxels(node, segment_id, shape):
        whole = np.zeros(shape, bool)
        mask = lib.images.packMask(node, segment_id)
        if mask is not None:
            box = tuple(
                slice(first, first + n) for first, n in zip(reversed(mask.first), mask.array.shape, strict=True)
            )
            whole[box] = mask.array
        return whole

    return voxels


@pytest.fixture
def logic(scene):
    """The logic of the module, alone."""
    from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic

    made = WeakMedSAMLogic()
    yield made
    made.cleanup()


@pytest.fixture
def desk(host, own_places, make_volume):
    """One start of Slicer after the other, see `flows.crashes`."""
    from flows.crashes import Desk

    made = Desk(host, make_volume)
    yield made
    if made.logic is not None:
        made.logic.cleanup()


@pytest.fixture
def reviewed(host, scene, logic, make_volume, make_run, lib):
    """A run of two volumes with masks in the scene, and the panel; the second volume has low confidence."""
    from flows.sight import opened

    from WeakMedSAMLib.frontend.results.review_panel import ReviewPanel

    volumes = [make_volume("CT", (20, 40, 50), show=True), make_volume("MR", (20, 40, 50))]
    run = make_run(volumes)
    path = run.folder / "results" / "001" / "quality.json"
    data = {**json.loads(path.read_text("utf-8")), "low_confidence": True, "confidence": 0.41}
    path.write_text(json.dumps({**data, "advice": "Tag more volumes."}), "utf-8")
    run.result = lib.results.readRun(run.folder)
    for volume_id, volume in zip(("000", "001"), volumes, strict=True):
        steps = lib.loader.volumeSteps(volume, run.result.volumes[volume_id], run.classes, run.record)
        run.record.segmentations[volume_id] = lib.end(steps).GetID()
    panel = ReviewPanel(logic.state, logic.runs, logic.views, logic.history)
    panel.enter()
    run.volumes, run.panel = volumes, opened(panel, host)
    logic.state.saveRun(run.record)
    logic.state.currentVolume = volumes[0]
    logic.resultsReady(run.record.runId)
    host.settle(0.1)
    run.node = scene.GetNodeByID(run.record.segmentations["000"])
    yield run
    run.panel.cleanup()
    run.panel.widget.close()


@pytest.fixture
def export_panel(host, logic, reviewed, tmp_path):
    """The panel of the export, for the masks of `reviewed`."""
    from flows.sight import opened

    from WeakMedSAMLib.frontend.results.export_panel import ExportPanel

    logic.state.currentVolume = reviewed.volumes[0]
    panel = opened(ExportPanel(logic.labels, logic.runs, logic.history), host)
    panel.ui.folderEdit.currentPath = str(tmp_path)
    yield panel
    panel.cleanup()
    panel.widget.close()


@pytest.fixture
def open_bench(scene, host, make_volume):
    from flows.marks_bench import Bench

    made = []

    def open_(**options):
        made.append(Bench(host, make_volume, **options))
        return made[-1]

    yield open_
    for bench in made:
        bench.logic.cleanup()
    assert not host.slicer.util.getNodesByClass("vtkMRMLMarkupsNode")


@pytest.fixture
def bench(open_bench):
    return open_bench()


@pytest.fixture
def boxed(bench):
    from flows.marks_bench import BOX

    bench.marks.addBox(bench.key, "liver", BOX.first, BOX.last)
    bench.settle()
    return bench


@pytest.fixture
def corrected(scene, host, logic, make_volume, make_run, lib, voxels_of):
    """corrected(shape=..., geometry=..., axis="k"): a volume with the masks of a run, and an editor on them."""
    from flows.correcting import CorrectingBench

    def make(shape=(20, 40, 50), geometry="plain", axis="k", name="CT"):
        volume = make_volume(name, shape, geometry, show=True)
        return CorrectingBench(host, logic, make_run([volume], axis=axis), volume, lib, voxels_of)

    return make


@pytest.fixture
def correcting(host, corrected, lib):
    """A `corrected` volume of 20 slices with the panel of the review."""
    from flows.sight import opened

    from WeakMedSAMLib.frontend.results.review_panel import ReviewPanel

    bench = corrected()
    logic = bench.logic
    panel = ReviewPanel(logic.state, logic.runs, logic.views, logic.history, logic.corrections)
    panel.enter()
    bench.panel = opened(panel, host)
    bench.ui = panel.ui
    host.settle(0.3)
    yield bench
    panel.cleanup()
    panel.widget.close()
