"""What a run holds in memory does not grow with the number of its volumes."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from faults.held_arrays import held_bytes
from faults.many_volumes import make_cohort, measure

from WeakMedSAMLib.contract.events import Stage
from WeakMedSAMLib.contract.stages import CLASSIFIER, MASKS, PSEUDO_MASKS
from WeakMedSAMLib.engine.runs.worker import run_folder

# Cells of the tiny backbone, its input and voxels of the scans, pseudo-masks.
_PLANES = ((32, 32), (64, 64), (128, 128))
# Bytes that may stay for each further volume. Its 16 x 32 x 32 cells alone take 65 kB as float32, its voxels 131 kB.
_A_VOLUME = 10_000
_SOAKED_MB = 40.0  # for 300 volumes more; their cells, novelty and voxels are over 100
_LOOKED_AT = (CLASSIFIER, PSEUDO_MASKS, "segmenter-2", MASKS)
_FEW_FILES = 32
_LIMITED = f"""
import resource, sys
from pathlib import Path
from faults import tiny_run
from WeakMedSAMLib.engine.runs.worker import run_folder
resource.setrlimit(resource.RLIMIT_NOFILE, ({_FEW_FILES}, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
run_folder(next(Path(sys.argv[1], "out").iterdir()), cache_root=Path(sys.argv[1], "cache"))
"""


class Held:
    """Bytes of slices and maps that are held when a stage begins, by stage."""

    def __init__(self):
        self.by_stage = {}

    def __call__(self, event):
        if isinstance(event, Stage) and event.state == "started" and event.stage in _LOOKED_AT:
            self.by_stage[event.stage] = held_bytes(_PLANES)


def held_by(folder, count, boxed=False):
    folder.mkdir()
    places = make_cohort(folder, count, boxed, classifier_steps=4, segmenter_steps=2)
    held = Held()
    run_folder(places.path, report=held, cache_root=folder / "cache")
    return held.by_stage


@pytest.mark.soak
@pytest.mark.parametrize("boxed", [pytest.param(False, id="tags"), pytest.param(True, id="boxes")])
def test_slices_and_maps_kept_from_stage_to_stage_do_not_grow_with_the_cohort(tmp_path, capsys, boxed):
    few, many = held_by(tmp_path / "few", 2, boxed), held_by(tmp_path / "many", 4, boxed)
    growth = {stage: (many[stage] - few[stage]) / 2 for stage in _LOOKED_AT}
    with capsys.disabled():
        shown = ", ".join(f"{stage} {each / 1000:.1f}" for stage, each in growth.items())
        print(f"\nkB a volume when a stage begins: {shown}")
    assert max(growth.values()) < _A_VOLUME


def test_what_is_held_is_found():
    """Else the test above could not fail."""
    before = held_bytes(_PLANES)
    kept = {"own": np.zeros((3, 32, 32), np.uint8), "list": [np.zeros((5, 64, 64), np.uint8)[1:]]}
    assert held_bytes(_PLANES) - before == 3 * 32 * 32 + 5 * 64 * 64
    kept.clear()
    assert held_bytes(_PLANES) == before


@pytest.mark.soak
def test_a_worker_takes_no_more_for_four_hundred_volumes_than_for_a_hundred(capsys):
    # Peaks are sampled, and one run may miss that of a training step: the higher one of two.
    few, many = max(measure(100), measure(100), key=lambda one: one["peak"]), measure(400)
    with capsys.disabled():
        print(f"\nprivate memory at its peak: {few['peak']} MB for 100 volumes, {many['peak']} MB for 400")
    assert many["peak"] - few["peak"] < _SOAKED_MB, (few, many)


@pytest.mark.soak
@pytest.mark.skipif(sys.platform == "win32", reason="there a process may map as many files as it likes")
def test_a_run_may_map_more_files_than_a_shell_allows_at_first(tmp_path):
    make_cohort(tmp_path, 4, classifier_steps=4, segmenter_steps=2)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", _LIMITED, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
