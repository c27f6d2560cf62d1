from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from click.testing import CliRunner
from faults.tiny_run import NAME, QUICK

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.studies import large_scan
from WeakMedSAMLib.studies.accuracy import AccuracyOptions
from WeakMedSAMLib.studies.large_scan import LargeScanOptions, measure_large_scan


@pytest.fixture
def pair(tmp_path):
    """A scan of 30 x 32 x 6 voxels with a bright ball on some slices, and the mask of the ball."""
    k, j, i = np.mgrid[:6, :32, :30]
    ball = (j - 14) ** 2 + (i - 12) ** 2 + 9 * (k - 3) ** 2 < 40
    array = np.random.default_rng(0).normal(200, 20, k.shape) * ((j - 16) ** 2 + (i - 15) ** 2 < 180) + 500 * ball
    paths = []
    for name, voxels in (("image", array.astype(np.int16)), ("mask", ball.astype(np.uint8))):
        image = sitk.GetImageFromArray(voxels)
        image.SetSpacing((2.0, 1.5, 5.0))
        image.SetOrigin((-20.0, 7.0, 3.0))
        paths.append(tmp_path / f"{name}.nii.gz")
        sitk.WriteImage(image, str(paths[-1]))
    return paths


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(large_scan, "AccuracyOptions", partial(AccuracyOptions, overrides=tuple(QUICK.items())))


def test_the_report_has_time_memory_and_disk_of_the_larger_scan(pair, quick, tmp_path):
    out = tmp_path / "reports" / "large.json"
    report = measure_large_scan(LargeScanOptions(*pair, "1", (60, 64, 14), NAME, "cpu"), out)
    assert json.loads(out.read_text()) == report
    assert (report["size"], report["slices"]) == ([60, 64, 14], 14)
    assert {"embed", "segmenter-1", "masks"} <= set(report["seconds_by_stage"])
    assert report["disk_mb"]["run"] > 60 * 64 * 14 * 2 / 1e6
    assert report["encoded"] == 14
    assert report["disk_mb"]["features"] == pytest.approx(14 * 64 * 64 * (1 + 3) / 1e6, abs=0.06)
    assert report["peak_private_mb"] > 50
    assert list(out.parent.iterdir()) == [out]


def test_what_is_resampled_fills_the_same_space(pair, tmp_path):
    target = tmp_path / "scans" / "larger.nii.gz"
    large_scan.resample(pair[1], target, (60, 64, 12), sitk.sitkNearestNeighbor)
    before, after = sitk.ReadImage(str(pair[1])), sitk.ReadImage(str(target))
    for corner in (-0.5, 1.0):
        ends = [
            one.TransformContinuousIndexToPhysicalPoint([-0.5 if corner < 0 else n - 0.5 for n in one.GetSize()])
            for one in (before, after)
        ]
        assert ends[0] == pytest.approx(ends[1], abs=1e-4)
    assert sitk.GetArrayFromImage(after).sum() == 8 * sitk.GetArrayFromImage(before).sum()


def test_a_size_that_is_none_is_refused(pair, tmp_path):
    with pytest.raises(UserError) as caught:
        measure_large_scan(LargeScanOptions(*pair, "1", (60, 64)), tmp_path / "large.json")
    assert caught.value.code == "bad_benchmark"
    assert not (tmp_path / "large.json").exists()


def test_the_command_says_what_was_found(pair, tmp_path, monkeypatch):
    found = {
        "seconds_by_stage": {"embed": 12.5},
        "disk_mb": {"features": 7.0},
        "total_seconds": 61.0,
        "encoded": 3,
        "slices": 8,
    }
    asked = []

    def measure(options, out, listener):
        asked.append(options)
        return {**found, "peak_private_mb": 345.0}

    monkeypatch.setattr(large_scan, "measure_large_scan", measure)
    arguments = [*map(str, pair), "--labels", "1", "--size", "40,40,8", "--device", "cpu"]
    done = CliRunner().invoke(cli, ["benchmark", "large-scan", *arguments, "--out", str(tmp_path / "large.json")])
    assert done.exit_code == 0, done.output
    assert asked == [LargeScanOptions(*pair, "1", (40, 40, 8), device="cpu")]
    for words in ("embed", "12.5 s", "peak private memory 345 MB", "features 7 MB", "3 of 8 slices encoded"):
        assert words in done.output
