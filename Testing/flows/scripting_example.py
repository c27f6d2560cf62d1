"""Masks for many cases by a script; `folder` has the scans, `lesions` the slices that show the tumour."""

# ruff: noqa: F821, N816 - folder, lesions and slicer are there; names as in Slicer
from WeakMedSAM import WeakMedSAMLogic

logic = WeakMedSAMLogic()
logic.setClasses(["Tumour"])
volumes = []
for name, (first, last) in lesions.items():  # such as {"case1": (41, 87), "case2": (30, 66)}
    volume = slicer.util.loadVolume(str(folder / f"{name}.nrrd"))
    logic.tagRange(volume, "Tumour", first, last)  # the other slices become absent
    volumes.append(volume)

runId = logic.startRun(volumes, device="auto")
record = logic.waitForRun()  # raises if the run fails
segmentations = logic.segmentationsOf(runId)
written = logic.exportMasks(runId, folder / "masks")
logic.cleanup()
