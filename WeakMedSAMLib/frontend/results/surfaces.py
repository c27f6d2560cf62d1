"""Masks as surfaces in the 3D view."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError

SURFACE = "Closed surface"


def hasSurface(segmentationNode: Any) -> bool:
    """Say whether a segmentation is shown as surfaces."""
    return segmentationNode.GetSegmentation().ContainsRepresentation(SURFACE)


def setSurfaceShown(segmentationNode: Any, isOn: bool) -> None:
    """Make and show the surfaces of a segmentation, or remove them; `UserError` ``no_surface`` if it cannot be done."""
    if not isOn:
        segmentationNode.RemoveClosedSurfaceRepresentation()
        return
    with slicer.util.WaitCursor():
        isMade = segmentationNode.CreateClosedSurfaceRepresentation()
    if not isMade:
        message = _("The surfaces could not be made.")
        raise UserError("no_surface", message, _("Check that the masks are not empty, and look into the log."))
    segmentationNode.CreateDefaultDisplayNodes()
    segmentationNode.GetDisplayNode().SetVisibility(True)
    segmentationNode.GetDisplayNode().SetVisibility3D(True)
