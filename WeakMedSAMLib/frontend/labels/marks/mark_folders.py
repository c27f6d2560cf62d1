"""The folders of marks in the subject hierarchy, one a volume."""

from __future__ import annotations

from typing import Any

import vtk
from slicer.i18n import tr as _

# Which volume a folder is of, by its key: scenes keep folders, and a scene that was opened has them already.
_ATTRIBUTE = "WeakMedSAM.MarksOf"


def putInFolder(scene: Any, node: Any, key: str, volumeName: str) -> None:
    """Put a node into the folder of the marks of a volume; its name follows that of the volume."""
    hierarchy = scene.GetSubjectHierarchyNode()
    folders = _foldersOf(hierarchy, key)
    name = _("Marks of {volume}").format(volume=volumeName)
    folder = folders[0] if folders else hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), name)
    if not folders:
        hierarchy.SetItemAttribute(folder, _ATTRIBUTE, key)
    if hierarchy.GetItemName(folder) != name:
        hierarchy.SetItemName(folder, name)
    # Slicer makes the item of a node as it is added; without its plugins nobody does.
    item = hierarchy.GetItemByDataNode(node)
    if not item:
        hierarchy.CreateItem(folder, node)
    elif hierarchy.GetItemParent(item) != folder:
        hierarchy.SetItemParent(item, folder)


def dropDead(scene: Any) -> None:
    """Remove what a scene that was opened holds of nodes of marks that were not saved with it: their items."""
    hierarchy = scene.GetSubjectHierarchyNode()
    for folder in _foldersOf(hierarchy):
        for item in reversed(_childrenOf(hierarchy, folder, True)):
            if hierarchy.GetItemDataNode(item) is None and not hierarchy.GetItemLevel(item):
                hierarchy.RemoveItem(item, False, False)


def dropEmpty(scene: Any) -> None:
    """Remove the folders that hold nothing, as scenes keep them whose marks are not saved as nodes."""
    dropDead(scene)
    hierarchy = scene.GetSubjectHierarchyNode()
    for folder in _foldersOf(hierarchy):
        if not _childrenOf(hierarchy, folder, True):
            hierarchy.RemoveItem(folder)


def _foldersOf(hierarchy: Any, key: str = "") -> list[int]:
    """Return the folders of marks, of one volume or of all."""
    items = _childrenOf(hierarchy, hierarchy.GetSceneItemID(), True) if hierarchy is not None else []
    found = ((item, hierarchy.GetItemAttribute(item, _ATTRIBUTE)) for item in items)
    return [item for item, value in found if value and key in ("", value)]


def _childrenOf(hierarchy: Any, item: int, isDeep: bool) -> list[int]:
    ids = vtk.vtkIdList()
    hierarchy.GetItemChildren(item, ids, isDeep)
    return [ids.GetId(number) for number in range(ids.GetNumberOfIds())]
