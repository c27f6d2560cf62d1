"""Requirements, lock, licences, and what goes into the folder of wheels."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it

# Where packages come from here; a reader has others.
HOSTS = re.compile(r"https?://|--index-url|--extra-index-url|--find-links", re.IGNORECASE)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def names_of(requirements):
    """Return the names of requirements, as indexes compare them."""
    return {one.name.lower().replace("_", "-") for one in requirements}


@pytest.fixture(scope="module")
def project(root):
    """What pyproject.toml requires: {"": to run, "dev": ..., "demo": ...}."""
    found = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": found["dependencies"], **found["optional-dependencies"]}
    return {name: [Requirement(line) for line in lines] for name, lines in groups.items()}


@pytest.fixture(scope="module")
def slicers(root):
    """What Slicer is asked to install."""
    text = (root / "WeakMedSAM" / "Resources" / "requirements.txt").read_text(encoding="utf-8")
    return [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]


def test_slicer_is_asked_for_lower_bounds_and_for_nothing_that_it_ships(project, slicers, utility):
    shipped, torch = utility("wheelhouse").literals()
    ours = {one.name.lower(): str(one.specifier) for one in project[""]}
    shipped_names = {name.lower() for name in shipped}
    for one in slicers:
        assert re.fullmatch(r">=[\d.]+", str(one.specifier)), one
        assert str(one.specifier) == ours[one.name.lower()]
        assert one.name.lower() not in shipped_names
    assert dict(torch) == {name: ours[name] for name in ("torch", "torchvision")}
    covered = names_of(slicers) | {"torch", "torchvision"} | {name.replace("_", "-") for name in shipped_names}
    assert set(ours) <= covered


def test_lock_pins_all_of_development_by_hash_without_an_index(root, project):
    text = (root / "requirements-dev.lock").read_text(encoding="utf-8")
    assert not HOSTS.search(text)
    blocks = re.findall(r"^([a-z0-9.-]+)==(\S+).*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    entries = re.split(r"^(?=[a-z0-9])", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)[1:]
    assert len(entries) == len(blocks) > 60
    assert all(HASH.search(entry) for entry in entries)
    pinned = {name for name, _ in blocks}
    wanted = names_of(project[""]) | names_of(project["dev"]) | names_of(project["demo"])
    assert wanted - pinned == {"torch", "torchvision"}, "run `make lock`"
    assert not [name for name in pinned if name.startswith(("nvidia", "cuda", "triton"))]
    assert "torch==2.13.0" in (root / "constraints.txt").read_text(encoding="utf-8").splitlines()


def test_the_workflow_does_on_windows_what_make_test_does(root):
    made = (root / "Makefile").read_text(encoding="utf-8")
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", made, re.MULTILINE)[1]
    commands = [line.strip().removeprefix("$(BIN)/") for line in lint.splitlines()]
    workflow = (root / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    windows = [line.strip() for line in workflow.split("Lint and test (Windows)")[1].splitlines()]
    assert len(commands) >= 3
    assert [command for command in commands if command not in windows] == []
    assert "python -m pytest" in windows
    assert re.findall(r"uses: actions/[\w-]+@(.*)", workflow) == ["v7", "v7"]


def test_installed_licences_bind_nobody(utility):
    audit = utility("audit")
    found = audit.installed()
    exceptions = json.loads(audit.EXCEPTIONS.read_text(encoding="utf-8"))
    assert audit.problems(found, exceptions) == []
    assert all(len(entry["reason"]) > 20 for entry in exceptions.values())
    by_name = {package.name: package for package in found}
    assert by_name["torch"].at_run_time
    assert by_name["numpy"].at_run_time
    assert not by_name["pytest"].at_run_time


@pytest.mark.parametrize(
    "licence",
    ["GPL-3.0-only", "AGPL-3.0-or-later", "GNU General Public License v2 (GPLv2)", "BSD-3-Clause AND GPL-2.0-or-later"],
)
def test_a_licence_that_binds_is_a_problem_unless_it_is_listed_with_a_reason(utility, licence):
    audit = utility("audit")
    package = audit.Package("some-tool", "1.0", licence, False)
    assert audit.problems([package], {}) == [f"some-tool 1.0 is under {licence}"]
    assert audit.problems([package], {"some-tool": {"reason": ""}})
    assert not audit.problems([package], {"some-tool": {"reason": "never handed out"}})


@pytest.mark.parametrize(
    "licence",
    [
        "MIT",
        "LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only",
        "GNU Lesser General Public License v3 (LGPLv3)",
        "BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1",
    ],
)
def test_a_licence_that_leaves_a_choice_or_binds_only_itself_is_none(utility, licence):
    assert not utility("audit").is_copyleft(licence)


def test_a_package_that_names_no_licence_is_a_problem(utility):
    audit = utility("audit")
    assert audit.problems([audit.Package("some-tool", "1.0", "", True)], {}) == ["some-tool 1.0 names no licence"]


def test_vulnerabilities_are_told_and_silence_is_not_taken_for_safety(utility):
    words = utility("audit").vulnerability_words
    good = {"name": "click", "version": "8.5", "vulns": []}
    bad = {"name": "urllib3", "version": "1.26", "vulns": [{"id": "CVE-1", "fix_versions": ["2.0"]}]}
    silent = {"name": "numpy", "skip_reason": "not found"}
    assert words(json.dumps({"dependencies": [good, silent]})) == (
        "Known vulnerabilities: 0 in 1 packages; no answer for 1.",
        False,
    )
    told, found = words(json.dumps({"dependencies": [good, bad]}))
    assert found
    assert "urllib3 1.26: CVE-1, put right in 2.0" in told
    for answer in (json.dumps({"dependencies": [silent]}), ""):
        told, found = words(answer, "connection refused")
        assert "were not looked for" in told
        assert not found


def test_wheels_are_pinned_by_hash_and_fetched_for_the_other_system(utility, tmp_path, monkeypatch):
    wheelhouse = utility("wheelhouse")
    answer = (
        "click==8.5.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\ncolorama==0.4.6 ; x \\\n    --hash=sha256:cc\n"
    )
    commands, files = [], []

    def run(command):
        commands.append(command)
        files.append(Path(command[-1]).read_text(encoding="utf-8"))
        return answer

    monkeypatch.setattr(wheelhouse, "_run", run)
    pins = wheelhouse.resolve("windows", "3.12", ["--find-links", "here"], with_torch=False)
    wheelhouse.download(pins, tmp_path, "windows", "3.12", ["--find-links", "here"])
    assert pins == {
        "click": "click==8.5.1 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb",
        "colorama": "colorama==0.4.6 ; x \\\n    --hash=sha256:cc",
    }
    resolving, fetching = (" ".join(command) for command in commands)
    assert "--python-platform x86_64-pc-windows-msvc --python-version 3.12" in resolving
    assert all(f"--no-emit-package {name} " in resolving for name in ("numpy", "SimpleITK", "vtk", "scipy", "pillow"))
    wanted = names_of(Requirement(line) for line in files[0].splitlines() if not line.startswith("#"))
    assert "click" in wanted
    assert not wanted & {"torch", "torchvision"}
    assert "numpy>=2" in files[0].splitlines(), "what works only with a NumPy older than Slicer's is not found"
    assert "--no-deps" in fetching
    assert "--require-hashes" in fetching
    assert "--only-binary :all:" in fetching
    assert "--platform win_amd64" in fetching
    assert files[1] == answer
    assert all("--find-links here" in command for command in (resolving, fetching))


def test_a_torch_of_gigabytes_is_refused_unless_it_is_wanted(utility, monkeypatch, capsys):
    wheelhouse = utility("wheelhouse")
    monkeypatch.setattr(
        wheelhouse, "resolve", lambda *_: {"nvidia-nccl-cu13": "nvidia-nccl-cu13==2", "torch": "torch==2"}
    )
    monkeypatch.setattr("sys.argv", ["wheelhouse.py", "--dry-run"])
    with pytest.raises(SystemExit, match="gigabytes: nvidia-nccl-cu13"):
        wheelhouse.main()
    monkeypatch.setattr("sys.argv", ["wheelhouse.py", "--dry-run", "--cuda"])
    wheelhouse.main()
    assert "torch==2" in capsys.readouterr().out
