"""Put into a folder what is handed out: the extension as Slicer installs it from a file, and the wheel of the engine.

The extension goes through CMake, as in Slicer's own build; `Testing/cmake` stands in for Slicer there. What is packed
is the working tree as it is. The archive suits Extensions Manager > Install from file of a Slicer of that version;
unpacked, its folder `qt-scripted-modules` can also be given to Slicer as an additional module path.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "WeakMedSAM"


def main() -> None:
    """Read the command line and make both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for what is made")
    parser.add_argument("--slicer", default="5.12", metavar="5.12", help="version of Slicer that it is for")
    parser.add_argument("--macos-revision", default="", metavar="N", help="revision of Slicer, if it is one for macOS")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    print(package_extension(chosen.out, chosen.slicer, chosen.macos_revision))
    print(build_wheel(chosen.out))


def package_extension(out: Path, slicer: str, macos_revision: str = "") -> Path:
    """Configure, build and install the extension by CMake, and pack the installed tree.

    Parameters
    ----------
    out : Path
        Folder for the archive.
    slicer : str
        Version of Slicer as MAJOR.MINOR: it is part of the paths inside.
    macos_revision : str
        Revision of Slicer for macOS, where it is part of the paths too; empty for Linux and Windows.

    Returns
    -------
    Path
        The archive: one folder, and in it the tree.
    """
    system = f"macos-{macos_revision}" if macos_revision else "linux-windows"
    name = f"{NAME}-{version()}-Slicer-{slicer}-{system}"
    cmake = cmake_program()
    with tempfile.TemporaryDirectory(prefix="weakmedsam-package-") as folder:
        build, installed = Path(folder) / "build", Path(folder) / "installed"
        options = {
            "Slicer_DIR": ROOT / "Testing" / "cmake",
            "PYTHON_EXECUTABLE": sys.executable,
            "STAND_IN_SLICER_VERSION": slicer,
            "STAND_IN_MACOS_REVISION": macos_revision,
            # Nothing is compiled; whether the compilers work need not be tried.
            "CMAKE_C_COMPILER_FORCED": "ON",
            "CMAKE_CXX_COMPILER_FORCED": "ON",
        }
        _run(cmake, "-S", ROOT, "-B", build, *(f"-D{key}={value}" for key, value in options.items()))
        _run(cmake, "--build", build, "--config", "Release")
        _run(cmake, "--install", build, "--config", "Release", "--prefix", installed)
        return pack(installed, out / f"{name}.zip")


def pack(folder: Path, archive: Path) -> Path:
    """Pack a folder under the archive's own name, the same bytes each time.

    Bytecode is left out: it is of the Python that packed, not of Slicer's.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in files:
            entry = zipfile.ZipInfo(f"{archive.stem}/{path.relative_to(folder).as_posix()}")
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            packed.writestr(entry, path.read_bytes())
    return archive


def build_wheel(out: Path) -> Path:
    """Build the wheel of the engine, with the setuptools that is installed; no network is asked.

    It is built from a copy, since setuptools would also pack what an earlier build has left in the checkout.
    """
    with tempfile.TemporaryDirectory(prefix="weakmedsam-wheel-") as folder:
        source, made = Path(folder) / "source", Path(folder) / "made"
        leave_out = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
        shutil.copytree(ROOT / "WeakMedSAMLib", source / "WeakMedSAMLib", ignore=leave_out)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copyfile(ROOT / name, source / name)
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet")
        _run(*pip, "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", made, source)
        (wheel,) = made.glob("*.whl")
        return Path(shutil.copy(wheel, out))


def version() -> str:
    """Read the version where everything else reads it."""
    text = (ROOT / "WeakMedSAMLib" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    assert found is not None
    return found[1]


def cmake_program() -> Path | str:
    """Return the CMake of the Python package of that name, or else the one on the search path."""
    spec = importlib.util.find_spec("cmake")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for program in sorted(Path(place).glob("data/bin/cmake*")):
            if program.stem == "cmake":
                return program
    found = shutil.which("cmake")
    if found is None:
        sys.exit("CMake is not installed: pip install cmake")
    return found


def _run(*command: object) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
