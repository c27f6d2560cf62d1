"""What the window holds of the masks of a run beside the nodes of the scene does not grow with its volumes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import slicer
from faults.held_arrays import held_bytes
from flows.driver import fake_worker

from WeakMedSAMLib.frontend.trial.phantoms import makePhantom

SHAPE = (24, 44, 52)
# Slices along k, j and i, as they are and turned.
PLANES = set(itertools.permutations(SHAPE, 2))


def finished_run(driver, count):
    """Run so many generated volumes to the end; every section is open."""
    for number in range(count):
        array, (first, last) = makePhantom(10 * count + number, SHAPE)
        node = slicer.util.addVolumeFromArray(array, np.diag([-1.0, -1, 1, 1]), f"Scan {number} of {count}")
        driver.tag(node, first, last)
    driver.generate()
    return driver.wait_for_end(300)


@pytest.mark.parametrize("counts", [(1, 4), pytest.param((10, 100), marks=pytest.mark.soak)], ids=str)
def test_voxels_of_loaded_masks_are_held_by_nodes_alone(driver, capsys, counts):
    driver.open(fake_worker("--seconds", "0.1"))
    driver.widget.panel.sections.stayOpen = True
    for name in driver.widget.panel.panels:
        driver.unfold(name)
    before = held_bytes(PLANES)
    held = []
    for count in counts:
        record = finished_run(driver, count)
        assert len(record.segmentations) >= count
        driver.host.settle(1.0)  # until what the review shows was read
        held.append(held_bytes(PLANES) - before)
    with capsys.disabled():
        first, then = (f"{kept / 1000:.1f} after {count}" for kept, count in zip(held, counts, strict=True))
        print(f"\nkB held beside nodes: {first}, {then} more")
    # The probabilities of the mask under review, and no others.
    assert held[1] - held[0] < np.prod(SHAPE)
