"""What the engine lacks here, and how it is installed on a click."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import slicer

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.running import dependencies
from WeakMedSAMLib.frontend.running.installer import Installer

pytestmark = pytest.mark.usefixtures("fresh_settings")


@pytest.fixture
def without(host, monkeypatch):
    """Pretend that packages are not installed: a set of names."""
    gone = host.packaging.missing
    gone.clear()
    real = importlib.metadata.version

    def version(name):
        if name in gone:
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    yield gone
    gone.clear()


def test_nothing_is_missing_here(without):
    assert dependencies.findMissing() == []


def test_what_is_missing_is_named_torch_first(without):
    without.update(["monai", "torch"])
    assert dependencies.findMissing() == ["torch", "monai"]
    assert "Extensions Manager" in dependencies.torchExtensionProblem()


def test_requirements_never_name_what_slicer_ships():
    listed = {requirement.name.lower() for requirement in dependencies._readRequirements()}
    assert not listed & {name.lower() for name in dependencies.SHIPPED}
    assert not listed & {"torch", "torchvision"}
    text = Path(__file__).parents[3].joinpath("pyproject.toml").read_text(encoding="utf-8")
    lines = map(str, dependencies._readRequirements())
    assert all(f'"{line}"' in text for line in lines), "the bounds of pyproject.toml"


def test_constraints_keep_what_slicer_ships_even_without_a_version(without):
    without.add("vtk")
    lines = dependencies.constraints(("torch",)).splitlines()
    assert f"numpy=={importlib.metadata.version('numpy')}" in lines
    assert f"torch=={importlib.metadata.version('torch')}" in lines
    assert "vtk<0" in lines


class Pip:
    """In place of slicer.packaging: remembers what it is asked for, and ends when told."""

    def __init__(self, monkeypatch):
        self.calls, self.done, self.busy = [], None, False
        packaging = dependencies.packagingModule()
        monkeypatch.setattr(packaging, "isPipInstallInProgress", lambda: self.busy, raising=False)
        monkeypatch.setattr(packaging, "pip_install", self.pip_install)
        monkeypatch.setattr(slicer.util, "executePythonModule", self.module, raising=False)

    def pip_install(self, arguments, constraints, blocking, show_progress, requester, logCallback, completedCallback):
        assert not blocking
        self._take(arguments, Path(constraints).read_text(encoding="utf-8"), logCallback, completedCallback)

    def module(self, module, arguments, blocking, logCallback, completedCallback):
        assert not blocking
        text = Path(arguments[arguments.index("-c") + 1]).read_text(encoding="utf-8")
        self._take([module, *arguments], text, logCallback, completedCallback)

    def _take(self, arguments, constraints, log, done):
        self.calls.append((arguments, constraints))
        self.log, self.done = log, done


@pytest.fixture
def pip(monkeypatch):
    return Pip(monkeypatch)


@pytest.fixture
def work():
    made = Installer()
    made.problems = []
    made.ended.connect(made.problems.append)
    return made


def test_torch_comes_as_the_pytorch_extension_brings_it_and_the_rest_does_not_replace_it(
    pip, work, without, monkeypatch
):
    without.update(["torch", "torchvision", "monai"])
    monkeypatch.setitem(sys.modules, "PyTorchUtils", SimpleNamespace(__spec__=object()))
    work.install()
    assert work.isRunning
    arguments, constraints = pip.calls[0]
    assert arguments == ["light-the-torch>=0.5"]
    assert "numpy==" in constraints
    assert "pip==" not in constraints, "no version of it works with the pip that Slicer 5.12 ships"
    pip.done(0)
    arguments, constraints = pip.calls[1]
    assert arguments[:4] == ["light_the_torch", "install", "torch>=2.3", "torchvision>=0.18"]
    assert "pip==" in constraints
    without.difference_update(["torch", "torchvision"])
    pip.done(0)
    arguments, constraints = pip.calls[2]
    assert arguments == ["monai>=1.3"]
    assert "torch==" in constraints
    assert "numpy==" in constraints
    without.clear()
    pip.done(0)
    assert work.problems == [None]
    assert not work.isRunning


@pytest.mark.parametrize(("meanwhile", "words"), [("busy", "Another installation"), ("undone", "not there")])
def test_after_torch_came_outside_slicers_lock_it_is_looked_again(pip, work, without, monkeypatch, meanwhile, words):
    without.update(["torch", "torchvision", "monai"])
    monkeypatch.setitem(sys.modules, "PyTorchUtils", SimpleNamespace(__spec__=object()))
    work.install()
    pip.done(0)
    if meanwhile == "busy":
        without.difference_update(["torch", "torchvision"])
        pip.busy = True
    pip.done(0)
    assert len(pip.calls) == 2, "the rest is not installed beside it"
    assert work.problems[0].code == "install_failed"
    assert words in work.logText
    assert not work.isRunning


def test_a_closed_network_is_told_with_the_offline_way(pip, work, without):
    without.add("monai")
    work.install()
    pip.log("WARNING: Failed to establish a new connection: [Errno -2] Name or service not known")
    pip.done(1)
    assert work.problems[0].code == "no_network"
    assert "from a folder" in work.problems[0].hint


def test_wheels_of_a_folder_are_installed_without_network(pip, work, without, tmp_path):
    without.update(["torch", "monai"])
    with pytest.raises(UserError, match="no wheels"):
        work.install(tmp_path)
    (tmp_path / "monai-1.6.1-py3-none-any.whl").write_bytes(b"")
    work.install(tmp_path)
    arguments = pip.calls[0][0]
    assert arguments == ["--no-index", "--find-links", str(tmp_path), "torch>=2.3", "monai>=1.3"]
    pip.done(2)
    assert work.problems[0].code == "install_failed"
    assert "torch, monai" in work.problems[0].message


def test_nothing_is_installed_beside_another_installation(pip, work, without):
    without.add("monai")
    pip.busy = True
    with pytest.raises(UserError, match="already"):
        work.install()
    assert pip.calls == []


def test_without_the_pytorch_extension_it_says_where_to_get_it(pip, work, without):
    without.add("torch")
    with pytest.raises(UserError) as caught:
        work.install()
    assert caught.value.code == "no_pytorch_extension"
    assert not work.isRunning
