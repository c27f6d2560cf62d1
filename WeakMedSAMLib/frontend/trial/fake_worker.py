"""A stand-in for the worker that needs nothing but numpy: for the self-test and for trying the panel without PyTorch.

It speaks as the worker does and leaves files as the worker does, but learns nothing: what is bright on a slice that is
said to show the class becomes the mask. Run as ``python -m WeakMedSAMLib.frontend.trial.fake_worker RUNFOLDER``.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from WeakMedSAMLib import __version__
from WeakMedSAMLib.contract import exit_codes
from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import STAND_IN, Artifact, Done, Error, Event, Hello, Progress, Stage, encode
from WeakMedSAMLib.contract.files import replacing, write_bytes, write_json
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.nrrd import NrrdImage, read_image, write_image
from WeakMedSAMLib.contract.quality import ClassQuality, Quality
from WeakMedSAMLib.contract.results import LABELS, PREVIEW, QUALITY, probability_name
from WeakMedSAMLib.contract.runs import RunDescription, RunFolder, RunVolume, load_run
from WeakMedSAMLib.contract.segmentation_header import HeaderSegment, segmentation_fields
from WeakMedSAMLib.contract.stages import MASKS, PRESETS, PSEUDO_MASKS, UPDATE, stages_of

_OF_ANY_PRESET = sorted({UPDATE, *(stage for preset in PRESETS for stage in stages_of(preset))})
_STEPS = 10
_CONFIDENCE = 0.72
# Percentile of grey values above which a mask lies; an update makes masks larger.
_BRIGHT, _BRIGHT_UPDATED = 98.5, 97.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Do as if the run in a folder were run; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long it takes")
    parser.add_argument("--stage", choices=_OF_ANY_PRESET, help="the stage that takes all of that time")
    parser.add_argument("--deaf", action="store_true", help="ignore the cancel file")
    parser.add_argument("--noise", action="store_true", help="print what no program could read between the events")
    options = parser.parse_args(arguments)
    places = RunFolder(options.folder)
    _say(Hello(versions={"weakmedsam": __version__, STAND_IN: True}, device="cpu"))
    settings = load_run(places.path).settings
    if settings.model and not Path(settings.model, "model.json").is_file():
        _say(Error(code="file_missing", message=f"{settings.model} does not exist.", values={"file": settings.model}))
        return exit_codes.USER_ERROR
    stages = stages_of(settings.preset, settings.overrides, settings.train, settings.update)
    for stage in stages:
        if not _pretend(places, stage, stages, options):
            _say(Done(status="cancelled"))
            return exit_codes.CANCELLED
    _say(Done())
    return exit_codes.OK


def _pretend(places: RunFolder, stage: str, stages: Sequence[str], options: argparse.Namespace) -> bool:
    """Let the time of one stage pass; False if it was cancelled."""
    share = 1 / len(stages) if options.stage is None else float(options.stage == stage)
    seconds = options.seconds * share / _STEPS
    _say(Stage(stage=stage, number=stages.index(stage) + 1, total=len(stages)))
    for step in range(1, _STEPS + 1):
        if places.cancel.exists() and not options.deaf:
            return False
        if options.noise:
            _babble()
        time.sleep(seconds)
        _say(Progress(stage=stage, done=step, total=_STEPS, eta_s=seconds * (_STEPS - step)))
    if stage in (PSEUDO_MASKS, MASKS):
        _results(places, load_run(places.path), stage)
    _say(Stage(stage=stage, state="finished", seconds=seconds * _STEPS))
    return True


def _results(places: RunFolder, run: RunDescription, stage: str) -> None:
    tags = read_label_file(places.tags)
    for volume in run.volumes:
        folder = places.results(volume.id)
        folder.mkdir(parents=True, exist_ok=True)
        bright = _BRIGHT_UPDATED if run.settings.update else _BRIGHT
        preview = _writeResult(folder, places.volume(volume), volume, tags, bright)
        _say(Artifact(kind="preview", path=preview.relative_to(places.path).as_posix(), volume=volume.id, stage=stage))
        if stage == MASKS:
            _model(places)
            _say(Artifact(kind="result", path=folder.relative_to(places.path).as_posix(), volume=volume.id))


def _model(places: RunFolder) -> None:
    """A model by its names alone; nobody could segment by it."""
    places.model.mkdir(exist_ok=True)
    write_json(places.model / "model.json", {STAND_IN: True, "classes": load_run(places.path).classes.to_json()})
    (places.model / "model.safetensors").write_bytes(b"stand-in")


def _writeResult(folder: Path, file: Path, volume: RunVolume, tags: CohortLabels, bright: float) -> Path:
    scan = read_image(file)
    array = scan.array
    layers = tags.classes.layers
    labels = np.zeros((1 + max(layers, default=0), *array.shape), np.uint8)
    found = tags.volume_for(volume.name, volume.sha256)
    reports = {}
    for entry, layer in zip(tags.classes, layers, strict=True):
        mask = _brightOnPresent(array, found, entry.name, bright)
        labels[layer][mask] = entry.label_value
        _write(folder / probability_name(entry.label_value), scan, np.where(mask, 230, 20).astype(np.uint8))
        reports[entry.name] = _quality(mask, found)
    _writeLabels(folder / LABELS, scan, labels, tags.classes)
    axis = found.axis if found is not None else "k"
    write_json(folder / QUALITY, Quality(_CONFIDENCE, classes=reports, axis=axis, numbering=volume.numbering).to_json())
    _writePreview(folder / PREVIEW, array, labels.max(axis=0))
    return folder / PREVIEW


def _brightOnPresent(array: np.ndarray, tags: VolumeLabels | None, name: str, bright: float) -> np.ndarray:
    mask = array > np.percentile(array, bright)
    if tags is None:
        return mask
    shape = [1, 1, 1]
    shape[2 - AXES.index(tags.axis)] = -1
    return mask & (tags.presence(name) == PRESENT).reshape(shape)


def _quality(mask: np.ndarray, tags: VolumeLabels | None) -> ClassQuality:
    position = 2 - AXES.index(tags.axis if tags is not None else "k")
    areas = mask.sum(axis=tuple(other for other in range(3) if other != position))
    # Made up, but not the same everywhere: the fewer voxels, the less sure.
    sure = np.where(areas, 0.5 + 0.5 * areas / max(1, areas.max()), 1.0)
    return ClassQuality(
        confidence=_CONFIDENCE,
        slices=int(np.count_nonzero(areas)),
        volume_ml=float(mask.sum()) / 1000,
        slice_confidence=np.round(sure, 3).tolist(),
    )


def _writeLabels(file: Path, scan: NrrdImage, layers: np.ndarray, classes: ClassTable) -> None:
    if len(layers) == 1:
        _write(file, scan, layers[0])
        return
    segments = [
        HeaderSegment(f"Segment_{entry.label_value}", entry.name, (1, 1, 1), entry.label_value, "", layer)
        for entry, layer in zip(classes, classes.layers, strict=True)
    ]
    _write(file, scan, layers, segmentation_fields(segments, scan.array.shape, ""))


def _write(file: Path, scan: NrrdImage, array: np.ndarray, fields: Mapping[str, str] | None = None) -> None:
    with replacing(file) as temporary:
        write_image(temporary, array, scan.ijk_to_ras, fields)


def _writePreview(file: Path, array: np.ndarray, labels: np.ndarray) -> None:
    index = int(np.count_nonzero(labels, axis=(1, 2)).argmax())
    plane = array[index].astype(float)
    grey = (255 * (plane - plane.min()) / max(1e-9, plane.max() - plane.min())).astype(np.uint8)
    picture = np.stack([grey] * 3, axis=-1)
    picture[labels[index] > 0, 0] = 255
    write_bytes(file, _png(picture))


def _png(picture: np.ndarray) -> bytes:
    """Encode rows x columns x RGB, uint8, as a PNG file."""
    rows, columns, _channels = picture.shape
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), picture.reshape(rows, -1)], axis=1).tobytes()
    chunks = [
        (b"IHDR", struct.pack(">2I5B", columns, rows, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    ]
    coded = [struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
             for kind, data in chunks]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(coded)


def _babble() -> None:
    sys.stdout.buffer.write(b'\x00\xff\xfe {"event": 5} {"event":"progress" \xc3\x28 \x1b[31m not json\n')
    sys.stdout.buffer.write(b'{"event":"stage","stage":7}\n{"event":"progress","stage":"embed","done":-3,"total":0}\n')
    sys.stderr.buffer.write(b"Warning: " + b"x" * 5000 + b"\n")
    sys.stdout.flush()
    sys.stderr.flush()


def _say(event: Event) -> None:
    # One write a line, so that it is whole even where the process is killed.
    os.write(1, (encode(event) + "\n").encode("ascii"))


if __name__ == "__main__":
    sys.exit(main())
