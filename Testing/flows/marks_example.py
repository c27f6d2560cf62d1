"""A box and points by a script; `folder` has the scan."""

# ruff: noqa: F821 - folder and slicer are there
from WeakMedSAM import WeakMedSAMLogic

logic = WeakMedSAMLogic()
logic.setClasses(["liver", "right kidney"])
volume = slicer.util.loadVolume(str(folder / "case1.nrrd"))
logic.addBox(volume, "liver", (12, 22, 20), (30, 40, 20))  # opposite corners, both inside: voxels (i, j, k)
logic.addPoint(volume, "right kidney", (41, 30, 20))
logic.addPoint(volume, "right kidney", (9, 30, 20), shows=False)  # it is not there
for mark in logic.marksOf(volume):
    print(mark.class_name, mark.corners, mark.shows)
logic.session.undo()  # one step a mark
logic.cleanup()
