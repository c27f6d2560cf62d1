"""What a scene that was saved with marks has in the subject hierarchy when it is opened: what a person put there."""

from __future__ import annotations

import slicer
import slicer.util
import vtk


def items(parent=None):
    hierarchy, ids = slicer.mrmlScene.GetSubjectHierarchyNode(), vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID() if parent is None else parent, ids, True)
    return [ids.GetId(number) for number in range(ids.GetNumberOfIds())]


def test_no_dead_items_are_left_of_marks_that_are_not_saved(boxed, tmp_path):
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Patient 7")
    item = hierarchy.GetItemByDataNode(boxed.volume) or hierarchy.CreateItem(folder, boxed.volume)
    hierarchy.SetItemParent(item, folder)
    boxed.marks.addPoint(boxed.key, "spleen", (3, 4, 5))
    for number in range(3):
        boxed.settle()
        path = tmp_path / f"{number}.mrb"
        assert slicer.util.saveScene(str(path))
        boxed.host.closeScene()
        slicer.util.loadScene(str(path))
        boxed.host.waitUntil(lambda: boxed.logic.currentKey() is not None)
        boxed.host.waitUntil(lambda: boxed.rois() and boxed.lists())
        boxed.settle()
        hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
        names = [hierarchy.GetItemName(item) for item in items()]
        assert sorted(names) == ["Marks of Scan", "Patient 7", "Scan", "liver", "spleen"]
        item = hierarchy.GetItemByDataNode(boxed.logic.state.currentVolume)
        assert hierarchy.GetItemName(hierarchy.GetItemParent(item)) == "Patient 7"


def test_what_a_person_put_into_the_folder_stays(boxed):
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(boxed.rois()[0]))
    mine = hierarchy.CreateFolderItem(folder, "mine")
    boxed.logic.session.undo()
    boxed.settle()
    assert [hierarchy.GetItemName(item) for item in items(folder)] == ["mine"]
    hierarchy.RemoveItem(mine)
