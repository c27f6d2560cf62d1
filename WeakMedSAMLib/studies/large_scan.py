"""What a run costs on one large scan: seconds by stage, memory and disk, from nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import write_json
from WeakMedSAMLib.engine.base.array_files import open_map
from WeakMedSAMLib.engine.base.reporting import Listener
from WeakMedSAMLib.engine.features.cache import folder_bytes
from WeakMedSAMLib.studies.accuracy import AccuracyOptions, measure_accuracy

_TAKEN = ("machine", "versions", "slices", "seconds_by_stage", "total_seconds", "peak_private_mb")


@dataclass(frozen=True)
class LargeScanOptions:
    """What to measure.

    Attributes
    ----------
    image, mask : Path
        A scan and its true masks on the same grid.
    labels : str
        Which label values are a class, as for `parse_mask_classes`.
    size : sequence of int
        Voxels along i, j and k to which both are resampled, the body filling the same space as before.
    backbone, device
        Of the run.
    """

    image: Path
    mask: Path
    labels: str
    size: Sequence[int]
    backbone: str = "litemedsam"
    device: str = "auto"


def measure_large_scan(options: LargeScanOptions, out: Path, listener: Listener | None = None) -> dict[str, Any]:
    """Resample, tag every slice from the mask, run preset ``fast`` with an empty cache, and write the report.

    Slices that resampling puts between two others show what lies between them, more evenly than in a scan that was
    taken so thin: fewer are encoded than of such a one (``encoded``).

    Returns
    -------
    dict
        JSON values, among them ``seconds_by_stage``, ``peak_private_mb`` of the run, and ``disk_mb``: of scan and mask,
        packed, of the features, and of the run folder with its masks.

    Raises
    ------
    UserError
        ``bad_benchmark`` for a size that is none; what runs raise.
    """
    if len(options.size) != 3 or min(options.size) < 1:
        raise UserError("bad_benchmark", f"{tuple(options.size)} is no size of a volume.", "Give it as 512,512,400.")
    with tempfile.TemporaryDirectory(prefix="large-scan-", dir=_parent(out)) as folder:
        place = Path(folder)
        resample(options.image, place / "scans" / "scan_image.nii.gz", options.size, sitk.sitkLinear)
        resample(options.mask, place / "scans" / "scan_mask.nii.gz", options.size, sitk.sitkNearestNeighbor)
        asked = AccuracyOptions(
            place / "scans", options.labels, backbone=options.backbone, device=options.device, encoder_only=False
        )
        found = measure_accuracy(asked, place / "accuracy.json", listener, place / "work", place / "features")
        kinds = {"scan": place / "scans", "features": place / "features", "run": place / "work"}
        encoded = len(open_map(next((place / "features").glob("*/*.ranges.npy"))))
        disk = {name: round(folder_bytes(path) / 1e6, 1) for name, path in kinds.items()}
    report = {
        "schema": "weakmedsam-large-scan-1",
        "size": list(options.size),
        "backbone": options.backbone,
        "encoded": encoded,
        "patient_dice": found["tagged"]["patient_dice_mean"],
        "disk_mb": disk,
        **{name: found[name] for name in _TAKEN},
    }
    write_json(out, report)
    return report


def _parent(out: Path) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.parent


def resample(source: Path, target: Path, size: Sequence[int], interpolator: int) -> None:
    """Write an image with so many voxels in the space that it fills."""
    target.parent.mkdir(exist_ok=True)
    image = sitk.ReadImage(str(source))
    spacing = [mm * before / after for mm, before, after in zip(image.GetSpacing(), image.GetSize(), size, strict=True)]
    # The corner of the first voxel stays where it is, not its middle.
    shift = [(new - old) / 2 / old for new, old in zip(spacing, image.GetSpacing(), strict=True)]
    origin = image.TransformContinuousIndexToPhysicalPoint(shift)
    grid = (list(size), sitk.Transform(), interpolator, origin, spacing, image.GetDirection(), 0, image.GetPixelID())
    sitk.WriteImage(sitk.Resample(image, *grid), str(target))
