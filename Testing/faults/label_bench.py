"""The benchmark of labels on four small scans of a bright ball and a rod less bright, by the method of few lines."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.runs import RunFolder, load_run
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.studies import label_runs
from WeakMedSAMLib.studies.label_benchmark import run_rows
from WeakMedSAMLib.studies.label_rows import row_named
from WeakMedSAMLib.studies.label_runs import LabelOptions
from WeakMedSAMLib.studies.reader import read

GEOMETRY = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (36, 40, 8))
TWO = "ball=1,rod=2"


def write_scans(folder):
    """A ball on slices 2 to 5 and a rod on slices 3 to 6, in each scan a little elsewhere."""
    folder.mkdir()
    for number in range(4):
        k, j, i = np.mgrid[:8, :40, :36]
        ball = ((j - 12 - number) ** 2 + (i - 12) ** 2 < 50) & (k >= 2) & (k <= 5)
        rod = (abs(j - 29) < 4) & (abs(i - 20 - number) < 9) & (k >= 3) & (k <= 6)
        scan = np.random.default_rng(number).normal(100, 20, k.shape) + 400 * ball + 200 * rod
        for kind, array in (("image", scan.astype(np.int16)), ("mask", (ball + 2 * rod).astype(np.uint8))):
            sitk.WriteImage(GEOMETRY.image(array), str(folder / f"secret{number}_{kind}.nii.gz"))
    return folder


def make_bench(tmp_path, method, monkeypatch):
    """Run rows of the scans by the few-line method, the reader in this process; keeps what runs were given."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(label_runs, "read_apart", lambda reading, out: read(reading))
    folder = write_scans(tmp_path / "balls and rods")
    made = SimpleNamespace(folder=folder, out=tmp_path / "out", told=[], runs=[], method=method.bright)

    def run(path, **arguments):
        places = RunFolder(path)
        files = sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file())
        made.runs.append(
            SimpleNamespace(path=path, labels=read_label_file(places.tags), run=load_run(path), files=files)
        )
        return run_folder(path, **{**arguments, **method.arguments})

    def go(*names, seeds=(0,), run=run, **options):
        chosen = LabelOptions(folder, **{"labels": "ball=1", "device": "cpu", **options})
        rows = [row_named(name) for name in names]
        return run_rows(chosen, rows, seeds, made.out, tmp_path / "features", made.told.append, run)

    made.go, made.run, made.of_the_set = go, run, made.out / folder.name
    return made
