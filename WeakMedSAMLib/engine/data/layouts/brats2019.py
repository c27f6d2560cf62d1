"""BraTS 2019 training data: FLAIR scans, and the whole tumour as the class, as in the paper.

``MICCAI_BraTS_2019_Data_Training/{HGG,LGG}/<case>/<case>_flair.nii.gz`` and ``<case>_seg.nii.gz`` (``.nii`` in the copy
on Kaggle). Labels: 1 necrotic and non-enhancing core, 2 oedema, 4 enhancing tumour
(https://www.med.upenn.edu/cbica/brats2019/tasks.html). The last number of a case's name counts scans of a patient.
"""

from __future__ import annotations

import re
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.layouts.scans import Dataset, DatasetScan, Layout, by_name, volume_files

LABELS = "whole tumour=1+2+4"
_SCAN_NUMBER = re.compile(r"_\d+$")


def _recognises(folder: Path) -> bool:
    return any(folder.rglob("*_flair.nii*"))


def _read(folder: Path) -> Dataset:
    images = by_name(volume_files(folder, "*_flair.nii*"))
    masks = by_name(volume_files(folder, "*_seg.nii*"))
    for name, image in images.items():
        if name not in masks:
            # The validation data have no masks: they must not be taken for training data that lost theirs.
            message = f"{image} has no {name}_seg.nii.gz."
            raise UserError("mask_missing", message, "Give the folder of the training data (HGG and LGG).")
    scans = [DatasetScan(name, _patient(name), image, masks[name]) for name, image in sorted(images.items())]
    return Dataset("brats2019", tuple(scans), LABELS)


def _patient(name: str) -> str:
    return _SCAN_NUMBER.sub("", name)


BRATS2019 = Layout("brats2019", "HGG and LGG with <case>/<case>_flair.nii.gz and <case>_seg.nii.gz", _recognises, _read)
