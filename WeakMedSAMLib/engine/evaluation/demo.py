"""The demonstration: the lungs of a real chest CT from slice tags, through the same path as any other scan."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import private_folder
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import write_label_file
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.results import LABELS, SEGMENTATION
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, tags_from_masks
from WeakMedSAMLib.engine.data.segmentations import read_mask
from WeakMedSAMLib.engine.data.volumes import read_labels, read_volume
from WeakMedSAMLib.engine.evaluation.scoring import Score, score
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.result_overview import write_result_overview

NAME = "CTChest4"
LUNGS = MaskClass("lungs", (5, 6))
AXIS = "k"
OVERVIEW = "overview.png"
_VOLUME_ID = "000"


@dataclass(frozen=True)
class DemoScan:
    """The chest CT of the package slicerio, and the segmentation that comes with it."""

    volume: Path
    segmentation: Path


def demo_scan() -> DemoScan:
    """Find the scan; `UserError` ``demo_data_missing`` where slicerio is not installed."""
    spec = importlib.util.find_spec("slicerio")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        scan = DemoScan(Path(place) / "data" / f"{NAME}.nrrd", Path(place) / "data" / "Segmentation.seg.nrrd")
        if scan.volume.is_file() and scan.segmentation.is_file():
            return scan
    raise UserError(
        "demo_data_missing",
        "The scan for the demonstration is not installed: it comes with the Python package slicerio.",
        "Install it: pip install slicerio",
    )


def demo_tags(scan: DemoScan) -> CohortLabels:
    """Tags of every axial slice: lungs present where the packaged segmentation has at least 20 of their pixels."""
    volume = read_volume(scan.volume)
    masks = {LUNGS.name: read_mask(scan.segmentation).on(volume.geometry, scan.volume).mask(LUNGS)}
    tags = tags_from_masks(NAME, volume.sha256, masks, AXIS)
    return CohortLabels(ClassTable.from_names([LUNGS.name]), [tags])


def prepare_demo(out: Path, scan: DemoScan, settings: RunSettings) -> RunFolder:
    """Write the tags and make the run folder in ``out``."""
    private_folder(out)
    tags = demo_tags(scan)
    write_label_file(out / "tags.json", tags)
    return make_run(out, [scan.volume], tags, settings)


def collect_demo(places: RunFolder, out: Path, scan: DemoScan) -> Score:
    """Copy the masks of the run to ``out``, draw the overview, and score against the packaged segmentation."""
    folder = places.results(_VOLUME_ID)
    for name in (SEGMENTATION, LABELS):
        shutil.copyfile(folder / name, out / name)
    write_result_overview(out / OVERVIEW, places, _VOLUME_ID)
    predicted, geometry = read_labels(out / LABELS)
    true = read_mask(scan.segmentation).on(geometry, out / LABELS)
    return score(predicted > 0, true.mask(LUNGS), geometry, AXIS)


def tag_line(tags: VolumeLabels) -> str:
    """In a sentence, what the demonstration was told."""
    present, absent, _ = tags.counts(LUNGS.name)
    return f"Tags: {LUNGS.name} present on {present} slices, absent on {absent}, of {tags.n_slices}; no outlines."
