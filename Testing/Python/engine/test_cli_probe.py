"""The command line on what is installed: probe, weights and cache, and Pythons that lack packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import WeakMedSAMLib
from WeakMedSAMLib import __version__

REPOSITORY = Path(WeakMedSAMLib.__file__).parent.parent
pytestmark = pytest.mark.usefixtures("own_folders")


def test_weights_are_listed_and_checked(call):
    code, out, _ = call("weights", "list")
    assert code == 0
    assert "litemedsam" in out
    assert "pre-trained with masks" in out
    assert call("weights", "check")[0] == 0


def test_the_cache_tells_its_size_and_can_be_cleared(call, tmp_path):
    from WeakMedSAMLib.engine.features.cache import FeatureCache

    with FeatureCache() as cache, cache.writer("0" * 64, {"image": ((1000, 1000, 20), "|u1")}):
        pass
    assert "0.02 GB" in call("cache", "size")[1]
    assert "0.02 GB" in call("cache", "clear")[1]
    assert "0.00 GB" in call("cache", "size")[1]


def test_probe_says_what_there_is(call):
    code, out, _ = call("probe")
    found = json.loads(out)
    assert code == 0
    assert found["ready"]
    assert found["devices"][-1]["device"] == "cpu"
    assert found["devices"][-1]["memory_bytes"] > 0
    assert {"litemedsam", "sam_vit_b", "samus", "efficientsam_ti"} <= set(found["backbones"])
    assert found["weights"][0]["usable"]
    assert found["versions"]["weakmedsam"] == __version__


def bare_python(tmp_path, packages):
    """Environment and command of a Python that sees only these packages of all that is installed here."""
    site = tmp_path / "site"
    site.mkdir()
    installed = Path(np.__file__).parent.parent
    for pattern in packages:
        for path in [
            *installed.glob(pattern),
            *installed.glob(f"{pattern}-*.dist-info"),
            *installed.glob(f"{pattern}.libs"),
        ]:
            (site / path.name).symlink_to(path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(REPOSITORY)])}
    return partial(subprocess.run, env=environment, capture_output=True, text=True, check=False, timeout=60), [
        sys.executable,
        "-S",
        "-m",
        "WeakMedSAMLib.engine",
    ]


def test_without_torch_probe_says_what_is_missing_and_a_run_is_refused(tmp_path):
    run, command = bare_python(tmp_path, ["click", "filelock", "numpy", "platformdirs"])
    probed = run([*command, "probe"])
    found = json.loads(probed.stdout)
    assert probed.returncode == 0
    assert not found["ready"]
    assert "torch" in found["missing"]
    assert "numpy" not in found["missing"]
    assert {"litemedsam", "sam_vit_b", "samus", "efficientsam_ti"} <= set(found["backbones"])
    refused = run([*command, "run", str(tmp_path)])
    assert refused.returncode == 2
    assert "torch" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_bare_python_says_what_even_the_command_line_needs(tmp_path):
    run, command = bare_python(tmp_path, [])
    probed = run([*command, "probe"])
    assert probed.returncode == 0
    assert "click" in json.loads(probed.stdout)["missing"]
    refused = run([*command, "run", str(tmp_path)])
    assert refused.returncode == 2
    assert "click" in refused.stderr
    assert "Traceback" not in refused.stderr
