"""The plain layout: ``<case>_image.nii.gz`` beside ``<case>_mask.nii.gz``."""

from __future__ import annotations

from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.likely_names import did_you_mean
from WeakMedSAMLib.engine.data.layouts.scans import Dataset, DatasetScan, Layout

_IMAGE, _MASK = "_image.nii.gz", "_mask.nii.gz"


def _recognises(folder: Path) -> bool:
    return any(folder.glob(f"*{_IMAGE}"))


def _read(folder: Path) -> Dataset:
    scans = []
    for image in sorted(folder.glob(f"*{_IMAGE}")):
        name = image.name.removesuffix(_IMAGE)
        mask = image.with_name(name + _MASK)
        if not mask.is_file():
            masks = [path.name.removesuffix(_MASK) for path in sorted(folder.glob(f"*{_MASK}"))]
            hint = f"{did_you_mean(name, masks)} Add it, or remove the image.".strip()
            raise UserError("mask_missing", f"{image} has no {mask.name} beside it.", hint)
        scans.append(DatasetScan(name, name, image, mask))
    return Dataset("pairs", tuple(scans))


PAIRS = Layout("pairs", f"<case>{_IMAGE} beside <case>{_MASK}", _recognises, _read)
