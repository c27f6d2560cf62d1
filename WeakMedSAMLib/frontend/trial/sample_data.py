"""What the module adds to Slicer's Sample Data module. Nothing is downloaded before somebody clicks."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Any

import slicer
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.resources import resource
from WeakMedSAMLib.frontend.trial.phantoms import addPhantom

CATEGORY = "WeakMedSAM"
# Samples of Slicer itself; their addresses and checksums are kept there, not here.
CORE_SAMPLES = ("MRBrainTumor1", "MRBrainTumor2")
_PHANTOM_SEEDS = (1, 2, 3)
_logger = logging.getLogger(__name__)


def registerSampleData() -> None:
    """List a cohort of two real scans and one of three generated volumes; a second call adds nothing."""
    try:
        logic = importlib.import_module("SampleData").SampleDataLogic
    except ImportError:
        # Slicer can be started without that module; nobody misses samples then.
        _logger.info("Slicer has no module SampleData; no samples are listed.")
        return
    if hasattr(logic, "registerCustomSampleDataCategory"):
        logic.registerCustomSampleDataCategory(CATEGORY, title=_("WeakMedSAM"))
    known = {source.sampleName for source in logic.sampleDataSourcesByCategory(CATEGORY)}
    for name, load in _sources().items():
        if name not in known:
            # The lists are empty since the loader takes the place of a download by address.
            logic.registerCustomSampleDataSource(
                category=CATEGORY,
                sampleName=name,
                uris=[],
                fileNames=[],
                customDownloader=guarded(load),
                thumbnailFileName=resource("Icons", "WeakMedSAM.png"),
            )


def loadBrainTumors() -> list[Any]:
    """Load the two brain scans among Slicer's own samples (a download of some megabytes the first time)."""
    download = importlib.import_module("SampleData").downloadSample
    return _showFirst([download(name) for name in CORE_SAMPLES])


def loadPhantoms() -> list[Any]:
    """Generate three volumes with a bright lesion; no network is needed."""
    return _showFirst([addPhantom(_("Phantom {number}").format(number=seed), seed) for seed in _PHANTOM_SEEDS])


def _sources() -> dict[str, Callable[[], list[Any]]]:
    # Short names: the module makes a button as wide as its own.
    return {_("Two brain tumours"): loadBrainTumors, _("Three phantoms"): loadPhantoms}


def _showFirst(nodes: list[Any]) -> list[Any]:
    slicer.util.setSliceViewerLayers(background=nodes[0], fit=True)
    return nodes
