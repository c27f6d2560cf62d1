"""AbdomenCT-1K: CT scans of the abdomen with four organs.

``AbdomenCT-1K-ImagePart{1,2,3}/Case_00001_0000.nii.gz``, with the masks ``Mask/Case_00001.nii.gz``; folders may lie one
deeper, as archives unpack. Labels: 1 liver, 2 kidney, 3 spleen, 4 pancreas (https://github.com/JunMa11/AbdomenCT-1K).
Scans whose masks are not published are counted and left out.
"""

from __future__ import annotations

from pathlib import Path

from WeakMedSAMLib.engine.data.layouts.scans import Dataset, DatasetScan, Layout, by_name, volume_files

LABELS = "liver=1,kidney=2,spleen=3,pancreas=4"
_IMAGE = "Case_*_0000.nii.gz"


def _recognises(folder: Path) -> bool:
    return any(folder.rglob(_IMAGE))


def _read(folder: Path) -> Dataset:
    images = by_name(volume_files(folder, _IMAGE))
    masks = by_name(path for path in volume_files(folder, "Case_*.nii.gz") if not path.match(_IMAGE))
    scans = [DatasetScan(name, name, image, masks[name]) for name, image in sorted(images.items()) if name in masks]
    return Dataset("abdomenct1k", tuple(scans), LABELS, len(images) - len(scans))


ABDOMENCT1K = Layout(
    "abdomenct1k", "AbdomenCT-1K-ImagePart1/Case_00001_0000.nii.gz and Mask/Case_00001.nii.gz", _recognises, _read
)
