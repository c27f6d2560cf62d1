"""Medical Segmentation Decathlon: one task, such as Task02_Heart.

``TaskNN_Name/dataset.json`` lists the pairs of ``imagesTr/`` and ``labelsTr/`` under ``training``, and the names of the
label values under ``labels`` (http://medicaldecathlon.com). Tasks whose images hold several channels (Task01, Task05)
are 4-D and refused when they are read; the paper uses the heart, which has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json
from WeakMedSAMLib.engine.data.layouts.scans import Dataset, DatasetScan, Layout, by_name

_DESCRIPTION = "dataset.json"


def _recognises(folder: Path) -> bool:
    return bool(_tasks(folder))


def _tasks(folder: Path) -> list[Path]:
    """The folder itself if it is a task, else those directly in it that are."""
    places = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    tasks = [place for place in places if (place / _DESCRIPTION).is_file() and (place / "imagesTr").is_dir()]
    return tasks[:1] if tasks[:1] == [folder] else tasks


def _read(folder: Path) -> Dataset:
    tasks = _tasks(folder)
    if len(tasks) != 1:
        message = f"{folder} holds {len(tasks)} tasks with dataset.json and imagesTr."
        raise UserError("no_cases", message, "Give the folder of one task, such as Task02_Heart.")
    path = tasks[0] / _DESCRIPTION
    about = read_json(path)
    try:
        images = by_name(_inside(tasks[0], "imagesTr", pair["image"]) for pair in about["training"])
        masks = by_name(_inside(tasks[0], "labelsTr", pair["label"]) for pair in about["training"])
        labels = _labels(about["labels"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        message = f"{path} is no description of a Decathlon task ({error!r})."
        raise UserError("bad_dataset", message, "Unpack the task again.") from error
    for place in (*images.values(), *masks.values()):
        if not place.is_file():
            raise UserError("mask_missing", f"{path} names {place.name}, which is not there.", "Unpack the task again.")
    if images.keys() != masks.keys():
        raise UserError("bad_dataset", f"{path}: images and labels have other names.", "Unpack the task again.")
    scans = [DatasetScan(name, name, image, masks[name]) for name, image in sorted(images.items())]
    return Dataset("msd", tuple(scans), labels)


def _inside(task: Path, folder: str, entry: str) -> Path:
    """The file that an entry such as ``./imagesTr/la_007.nii.gz`` names; never one elsewhere."""
    return task / folder / Path(entry).name


def _labels(names: Mapping[str, Any]) -> str:
    """``{"0": "background", "1": "left atrium"}`` as ``left atrium=1``; signs that the option uses become blanks."""
    classes = {int(value): str(name) for value, name in names.items() if int(value) > 0}
    cleaned = {value: name.translate(str.maketrans(",=+", "   ")).strip() for value, name in classes.items()}
    return ",".join(f"{name}={value}" for value, name in sorted(cleaned.items()))


MSD = Layout("msd", "a task with dataset.json, imagesTr and labelsTr", _recognises, _read)
