"""What makes the checkout an extension: CMake lists, catalogue entries, icons, and the layout that is installed."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
OWNER = "SLICERWEAKMEDSAM_OWNER"
HEAVY = ("torch", "torchvision", "monai", "sklearn", "scipy", "matplotlib")


def _listed(folder):
    """Return the files that a CMakeLists.txt names."""
    text = (ROOT / folder / "CMakeLists.txt").read_text(encoding="utf-8")
    blocks = re.findall(r"set\(\w+_PYTHON_(?:SCRIPTS|RESOURCES)\n(.*?)\n\s*\)", text, re.DOTALL)
    return sorted(name.replace("${MODULE_NAME}", folder) for block in blocks for name in block.split())


def _present(folder):
    files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and path.name != "CMakeLists.txt"]
    names = (path.relative_to(ROOT / folder).as_posix() for path in files if path.suffix != ".pyc")
    return sorted(name for name in names if not name.startswith("Testing/"))


@pytest.mark.parametrize("folder", ["WeakMedSAM", "WeakMedSAMLib"])
def test_cmake_lists_every_file(folder):
    assert _listed(folder) == _present(folder)


def test_catalogue_entries_agree():
    entry = json.loads((ROOT / "WeakMedSAM.json").read_text(encoding="utf-8"))
    # The properties of schema 1.0.2 of Slicer's extension catalogue.
    known = {"$schema", "category", "scm_url", "scm_revision", "scm_type", "build_dependencies", "dicom_support_rule",
             "build_subdirectory", "enabled", "tier"}  # fmt: skip
    assert set(entry) <= known
    assert entry["$schema"].endswith("slicer-extension-catalog-entry-schema-v1.0.2.json#")
    described = dict(
        line.partition(" ")[::2]
        for line in (ROOT / "WeakMedSAM.s4ext").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert described["scmurl"] == entry["scm_url"]
    assert described["category"] == entry["category"]
    assert described["depends"].split() == entry["build_dependencies"]
    assert f'EXTENSION_DEPENDS "{described["depends"]}"' in cmake
    for text in (json.dumps(entry), cmake, *described.values()):
        for address in re.findall(r"https://github\.com/([^/\"]+)", text):
            assert address == OWNER, "the owner is one placeholder, never made up"


@pytest.mark.parametrize("picture", ["WeakMedSAM/Resources/Icons/WeakMedSAM.png", "Resources/icon/WeakMedSAM.png"])
def test_icons_are_128_by_128(picture):
    assert struct.unpack(">2I", (ROOT / picture).read_bytes()[16:24]) == (128, 128)


def test_installed_layout_works_and_never_loads_torch(tmp_path):
    place = tmp_path / "qt-scripted modules é"
    for folder, target in (("WeakMedSAM", place), ("WeakMedSAMLib", place / "WeakMedSAMLib")):
        for name in _listed(folder):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / folder / name, target / name)
    code = f"""
import sys
sys.path[:0] = [{str(place)!r}, {str(ROOT / "Testing")!r}]
from host.host import start
host = start()
import slicer
host.loadModule({str(place / "WeakMedSAM.py")!r})
slicer.util.selectModule("WeakMedSAM")
import WeakMedSAMLib
print("FROM", WeakMedSAMLib.__file__)
print("HEAVY", [n for n in sys.modules if n.split(".")[0] in {HEAVY!r} or n.startswith("WeakMedSAMLib.engine")])
print("ERRORS", host.errors)
host.unloadModule("WeakMedSAM")
host.stop()
"""
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert f"FROM {place}" in done.stdout, done.stdout + done.stderr
    assert "HEAVY []" in done.stdout
    assert "ERRORS []" in done.stdout
