"""Which predicted mask belongs to which true one, from two files or two folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.likely_names import did_you_mean, list_names
from WeakMedSAMLib.contract.results import LABELS
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.contract.run_names import RUN_FOLDERS
from WeakMedSAMLib.contract.runs import load_run
from WeakMedSAMLib.engine.data.itk_files import suffix_of
from WeakMedSAMLib.engine.data.layouts.known import LAYOUTS, read_dataset
from WeakMedSAMLib.engine.data.layouts.scans import by_name, case_name


@dataclass(frozen=True)
class MaskPair:
    """A predicted mask, the true one, and the scan if it is known.

    Attributes
    ----------
    name : str
        Of the case.
    prediction, reference : Path
        Label maps or segmentations on one grid.
    image : Path, optional
        The scan.
    """

    name: str
    prediction: Path
    reference: Path
    image: Path | None = None


@dataclass(frozen=True)
class Pairing:
    """What was found.

    Attributes
    ----------
    pairs : tuple of MaskPair
        By name.
    labels : str
        Label values by class where the layout of the references says; else empty.
    not_predicted : tuple of str
        References without a prediction, by name; they take no part.
    """

    pairs: tuple[MaskPair, ...]
    labels: str = ""
    not_predicted: tuple[str, ...] = ()


def find_pairs(prediction: Path, reference: Path, images: Path | None = None) -> Pairing:
    """Match predictions with references, and with scans where there are any.

    Parameters
    ----------
    prediction : Path
        A file; a folder of files; or the folder of a run, or one that holds a single run.
    reference : Path
        A file; a folder of files with the names of the predictions (endings such as ``_mask`` do not count); or a
        dataset in one of `LAYOUTS`.
    images : Path, optional
        The scan, or a folder of scans; those of a dataset are found by themselves.

    Raises
    ------
    UserError
        ``no_predictions``, ``reference_missing``, ``image_missing``, ``duplicate_case``, and what datasets and runs
        raise.
    """
    if prediction.is_file() and reference.is_file():
        name = case_name(prediction)
        return Pairing((MaskPair(name, prediction, reference, images),))
    predictions = _predictions(prediction)
    if not predictions:
        raise UserError("no_predictions", f"{prediction} holds no masks.", "Give label maps, or the folder of a run.")
    references, scans, labels = _references(reference)
    if images is not None:
        scans = _files(images)
    _require_all(reference, "mask", predictions, references)
    if images is not None:
        _require_all(images, "scan", predictions, scans)
    pairs = [MaskPair(name, path, references[name], scans.get(name)) for name, path in sorted(predictions.items())]
    return Pairing(tuple(pairs), labels, tuple(name for name in references if name not in predictions))


def _require_all(place: Path, what: str, predictions: Mapping[str, Path], found: Mapping[str, Path]) -> None:
    """Refuse predictions without a mask or scan of their name, and say which one of another name it may be."""
    missing = [name for name in predictions if name not in found]
    if not missing:
        return
    unused = [name for name in found if name not in predictions]
    message = f"{place} has no {what} for {missing[0]!r} ({len(missing)} of {len(predictions)} predictions)"
    message += f"; it has some for {list_names(unused)}." if unused else "."
    way_out = "take those predictions out" if what == "mask" else "leave out --images"
    hint = f"{did_you_mean(missing[0], unused)} Name the files alike, or {way_out}.".strip()
    raise UserError("reference_missing" if what == "mask" else "image_missing", message, hint)


def _runs_in(folder: Path) -> list[Path]:
    return sorted(run for run in folder.glob(RUN_FOLDERS) if RunFolder(run).run.is_file())


def _predictions(path: Path) -> Mapping[str, Path]:
    """Masks of a run by the names of its volumes, or the files of a folder."""
    if path.is_file():
        return _files(path)
    runs = [path] if RunFolder(path).run.is_file() else _runs_in(path)
    if len(runs) > 1:
        message = f"{path} holds {len(runs)} runs."
        raise UserError("no_predictions", message, f"Give the folder of one of them, such as {runs[0]}.")
    if not runs:
        return _files(path)
    places = RunFolder(runs[0])
    volumes = [(case_name(Path(volume.name)), places.results(volume.id)) for volume in load_run(runs[0]).volumes]
    return {name: folder / LABELS for name, folder in volumes if (folder / LABELS).is_file()}


def _references(path: Path) -> tuple[Mapping[str, Path], Mapping[str, Path], str]:
    """Masks by name, scans by name, and label values by class."""
    if path.is_dir() and any(layout.recognises(path) for layout in LAYOUTS.values()):
        dataset = read_dataset(path)
        masks = {scan.name: scan.mask for scan in dataset.scans}
        return masks, {scan.name: scan.image for scan in dataset.scans}, dataset.labels
    return _files(path), {}, ""


def _files(path: Path) -> Mapping[str, Path]:
    files = [path] if path.is_file() else [file for file in sorted(path.iterdir()) if file.is_file()]
    return by_name(file for file in files if suffix_of(file) and not file.name.startswith("."))
