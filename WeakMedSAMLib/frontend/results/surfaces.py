"""Masks as surfaces in the 3D view."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError

SURFACE = "Closed surface"


def isSurfaceShown(segmentationNode: Any) -> bool:
    """Say whether a segmentation has surfaces and they are shown."""
    displayNode = segmentationNode.GetDisplayNode()
    isVisible = displayNode is not None and displayNode.GetVisibility() and displayNode.GetVisibility3D()
    return bool(isVisible) and segmentationNode.GetSegmentation().ContainsRepresentation(SURFACE)


def makeSurfaces(segmentationNode: Any) -> bool:
    """Make the surfaces of all segments while the cursor says wait; returns whether that worked."""
    with slicer.util.WaitCursor():
        return bool(segmentationNode.CreateClosedSurfaceRepresentation())


def setSurfaceShown(segmentationNode: Any, isOn: bool) -> None:
    """Show the surfaces of a segmentation, made where there are none, or hide them; others may have made them.

    Raises
    ------
    UserError
        ``no_surface`` if there is none and none can be made.
    """
    if not isOn:
        if segmentationNode.GetDisplayNode() is not None:
            segmentationNode.GetDisplayNode().SetVisibility3D(False)
        return
    if not makeSurfaces(segmentationNode):
        message = _("The surfaces could not be made.")
        raise UserError("no_surface", message, _("Check that the masks are not empty, and look into the log."))
    segmentationNode.CreateDefaultDisplayNodes()
    segmentationNode.GetDisplayNode().SetVisibility(True)
    segmentationNode.GetDisplayNode().SetVisibility3D(True)
