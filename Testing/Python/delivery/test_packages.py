"""What is handed out, tried away from the checkout: the extension as Slicer unpacks it, and the wheel of the engine."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

SLICER = "5.12"
SCRIPTED = Path("lib") / f"Slicer-{SLICER}" / "qt-scripted-modules"
HEAVY = ("torch", "torchvision", "monai", "sklearn", "scipy", "matplotlib")
NO_HOST = [name for name in ("PySide6", "vtk", "slicer_core") if importlib.util.find_spec(name) is None]


def call(*command, cwd, **environment):
    """Run a command away from the checkout; return what it printed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**clean, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def made(root, tmp_path_factory):
    """The archive and the wheel, as `make package` makes them."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, root / "Utilities" / "package.py", "--out", out, "--slicer", SLICER]
    printed = [Path(line) for line in call(*command, cwd=out).splitlines()]
    assert sorted(out.iterdir()) == sorted(printed)
    return {path.suffix: path for path in printed}


@pytest.fixture(scope="module")
def unpacked(made, tmp_path_factory):
    """The extension's folder as the Extensions Manager leaves it: the archive's one folder, by another name."""
    folder = tmp_path_factory.mktemp("Extensions é")
    with zipfile.ZipFile(made[".zip"]) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
        archive.extractall(folder)
    assert tops == {made[".zip"].stem}
    return (folder / tops.pop()).rename(folder / "WeakMedSAM")


def files_under(folder, but=()):
    """Return the files of a folder as Slicer should get them."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(folder).as_posix() for path in paths if path.name not in but}


def test_every_file_of_the_module_is_installed_and_nothing_else(root, unpacked):
    module = files_under(root / "WeakMedSAM", but=["CMakeLists.txt"])
    library = files_under(root / "WeakMedSAMLib", but=["CMakeLists.txt"]) | {"LICENSE"}
    wanted = module | {f"WeakMedSAMLib/{name}" for name in library if not name.startswith("studies/")}
    assert files_under(unpacked / SCRIPTED) == wanted
    assert files_under(unpacked) - {(SCRIPTED / name).as_posix() for name in wanted} == {
        f"share/Slicer-{SLICER}/WeakMedSAM.s4ext"
    }
    same = [(unpacked / SCRIPTED / name).read_bytes() == (root / "WeakMedSAM" / name).read_bytes() for name in module]
    assert all(same)


def test_description_tells_slicer_what_the_catalogue_says(root, unpacked):
    text = (unpacked / "share" / f"Slicer-{SLICER}" / "WeakMedSAM.s4ext").read_text(encoding="utf-8")
    described = dict(line.partition(" ")[::2] for line in text.splitlines())
    entry = json.loads((root / "WeakMedSAM.json").read_text(encoding="utf-8"))
    assert described["scmurl"] == entry["scm_url"]
    assert described["category"] == entry["category"]
    assert described["depends"].split() == entry["build_dependencies"]
    assert described["description"].endswith("draws the class on every slice.")
    assert "segmentation" in described["keywords"].split()


@pytest.mark.skipif(bool(NO_HOST), reason=f"not installed: {NO_HOST}")
def test_the_unpacked_extension_opens_in_the_stand_in_without_torch(root, unpacked):
    place = unpacked / SCRIPTED
    code = f"""
import sys
sys.path[:0] = [{str(place)!r}, {str(root / "Testing")!r}]
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
    printed = call(sys.executable, "-X", "utf8", "-c", code, cwd=unpacked)
    assert f"FROM {place}" in printed
    assert "HEAVY []" in printed
    assert "ERRORS []" in printed


@pytest.mark.skipif(bool(NO_HOST), reason=f"not installed: {NO_HOST}")
def test_a_checkout_opens_beside_an_installed_engine(root, tmp_path):
    (tmp_path / "WeakMedSAMLib").mkdir()
    (tmp_path / "WeakMedSAMLib" / "__init__.py").write_text("", encoding="utf-8")
    code = f"""
import sys
sys.path[:0] = [{str(tmp_path)!r}, {str(root / "Testing")!r}]
from host.host import start
host = start()
host.loadModule({str(root / "WeakMedSAM" / "WeakMedSAM.py")!r})
import WeakMedSAMLib.frontend
print("FROM", WeakMedSAMLib.frontend.__file__)
host.stop()
"""
    printed = call(sys.executable, "-X", "utf8", "-c", code, cwd=tmp_path)
    assert f"FROM {root / 'WeakMedSAMLib' / 'frontend'}" in printed


def test_the_worker_starts_from_the_unpacked_extension(unpacked):
    place = unpacked / SCRIPTED
    code = "import WeakMedSAMLib.engine.cli.main as m; print(m.__file__); m.main(['--version'])"
    printed = call(sys.executable, "-c", code, cwd=unpacked, PYTHONPATH=str(place), PYTHONUTF8="1")
    assert printed.startswith(str(place))
    assert printed.splitlines()[1].startswith("weakmedsam, version")


def test_macos_gets_it_where_slicer_for_macos_looks(utility, tmp_path):
    package = utility("package")
    archive = package.package_extension(tmp_path, "5.13", "34045")
    inside = f"{archive.stem}/Slicer.app/Contents/Extensions-34045/WeakMedSAM"
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
    assert all(name.startswith(f"{inside}/") for name in names)
    assert f"{inside}/share/Slicer-5.13/WeakMedSAM.s4ext" in names
    assert f"{inside}/lib/Slicer-5.13/qt-scripted-modules/WeakMedSAM.py" in names


@pytest.fixture(scope="module")
def fresh(made, tmp_path_factory):
    """A new environment with the wheel in it; what the wheel requires is lent from the environment of the tests."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, "install", "--quiet"]
    call(*install, "--no-index", "--no-deps", made[".whl"], cwd=folder)
    site = Path(call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    # A path in a .pth file is searched, but .pth files there are not read: the checkout, installed editable, stays out.
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


def test_the_wheel_holds_the_engine_whole_and_not_the_frontend(root, made):
    with zipfile.ZipFile(made[".whl"]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        licences = [name for name in wheel.namelist() if name.endswith("/licenses/LICENSE")]
    library = files_under(root / "WeakMedSAMLib", but=["CMakeLists.txt"])
    wanted = {f"WeakMedSAMLib/{name}" for name in library if not name.startswith("frontend/")}
    assert names == wanted
    assert len(licences) == 1


def test_the_wheel_works_in_a_fresh_environment(root, made, fresh):
    from WeakMedSAMLib import __version__

    program = fresh.with_name("weakmedsam" + fresh.suffix)
    away = fresh.parent
    assert call(program, "--version", cwd=away) == f"weakmedsam, version {__version__}\n"
    where = call(fresh, "-c", "import WeakMedSAMLib; print(WeakMedSAMLib.__file__)", cwd=away).strip()
    assert Path(where).is_relative_to(fresh.parents[1])
    found = json.loads(call(program, "probe", cwd=away))
    assert found["missing"] == []
    assert found["ready"]
    assert "litemedsam" in found["backbones"]
    assert [each["device"] for each in found["devices"]][-1:] == ["cpu"]


def test_the_wheel_has_studies_and_their_command_and_the_extension_neither(made, unpacked, fresh):
    program, away = fresh.with_name("weakmedsam" + fresh.suffix), fresh.parent
    assert "Measure accuracy and speed." in call(program, "--help", cwd=away)
    assert call(program, "benchmark", "ablation", ".", "--list", cwd=away).count("\n") > 20
    with zipfile.ZipFile(made[".whl"]) as wheel:
        assert "WeakMedSAMLib/studies/commands.py" in wheel.namelist()
    place = unpacked / SCRIPTED
    assert not (place / "WeakMedSAMLib" / "studies").exists()
    # Beside the wheel, whose metadata name the command.
    worker = (fresh, "-m", "WeakMedSAMLib.engine", "--help")
    helped = call(*worker, cwd=away, PYTHONPATH=str(place), PYTHONUTF8="1")
    assert "segment" in helped
    assert "benchmark" not in helped
