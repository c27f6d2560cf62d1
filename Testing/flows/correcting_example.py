"""Corrections by a script; `logic` has the masks of the run `runId`, `folder` the truth, `wrong` slices to correct."""

# ruff: noqa: F821 - folder, wrong, logic and runId are there; names as in Slicer
import numpy as np

node = logic.segmentationsOf(runId)[0]
volume = logic.state.currentVolume
truth = np.load(folder / "truth.npy") > 0  # k, j, i: as slicer.util.arrayFromVolume has the volume
for index in wrong:  # slices that a reader found to be wrong
    logic.corrections.draw("Tumour", index, truth[index])
print(logic.corrections.pending)  # how many slices wait for an update
logic.updateMasks()  # waits; raises if it fails
written = logic.exportMasks(runId, folder / "masks")
