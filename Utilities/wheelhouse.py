"""Fill a folder with the wheels that 3D Slicer needs for WeakMedSAM, for a computer without internet.

What Slicer ships (NumPy, SciPy, SimpleITK, VTK, ...) is left out. Versions are resolved for the system and the Python
of that Slicer, not of this computer, and every file is checked against its hash. On Linux the package index gives a
torch of gigabytes, with CUDA; it is refused unless `--cuda` says that it is wanted. For one without CUDA name an index
that has it (see pytorch.org):

    make wheelhouse SYSTEM=linux PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"

On the other computer: section 4 of the module > Install from a folder..., or
PythonSlicer -m pip install --no-index --find-links FOLDER -r requirements.txt
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "WeakMedSAM" / "Resources" / "requirements.txt"
DEPENDENCIES = ROOT / "WeakMedSAMLib" / "frontend" / "running" / "dependencies.py"
# What uv calls a system, and what pip calls it. That macOS 13 runs what was built for older ones, pip knows by itself.
SYSTEMS = {
    "linux": (
        "x86_64-manylinux_2_28",
        (*(f"manylinux_2_{n}_x86_64" for n in range(28, 16, -1)), "manylinux2014_x86_64"),
    ),
    "windows": ("x86_64-pc-windows-msvc", ("win_amd64",)),
    "macos": ("aarch64-apple-darwin", ("macosx_13_0_arm64",)),
}
_CUDA = re.compile(r"^(nvidia-|cuda-|triton\b)")


def main() -> None:
    """Read the command line, resolve, and download unless only a list is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "wheelhouse", help="folder for the wheels")
    parser.add_argument("--system", choices=SYSTEMS, default="linux", help="system of the other computer")
    parser.add_argument("--python", default="3.12", help="version of Slicer's Python")
    parser.add_argument("--only", nargs="*", metavar="PACKAGE", help="these packages alone, without what they require")
    parser.add_argument("--without-torch", action="store_true", help="leave out torch and torchvision")
    parser.add_argument("--cuda", action="store_true", help="take a torch with CUDA, whatever its size")
    parser.add_argument("--dry-run", action="store_true", help="only list what would be downloaded")
    chosen, pip_arguments = parser.parse_known_args()
    pins = resolve(chosen.system, chosen.python, pip_arguments, not chosen.without_torch)
    pins = {name: pin for name, pin in pins.items() if not chosen.only or name in chosen.only}
    cuda = sorted(name for name in pins if _CUDA.match(name))
    if cuda and not chosen.cuda and not chosen.only:
        sys.exit(
            f"torch would come with CUDA, which is gigabytes: {', '.join(cuda)}.\n"
            "Name an index with another build, such as\n"
            "  --extra-index-url https://download.pytorch.org/whl/cpu\n"
            "leave torch out by --without-torch, or take it by --cuda."
        )
    print("\n".join(pin.splitlines()[0].rstrip("\\ ") for pin in pins.values()))
    if not chosen.dry_run:
        download(pins, chosen.out, chosen.system, chosen.python, pip_arguments)
        print(f"{len(list(chosen.out.glob('*.whl')))} wheels in {chosen.out}")


def resolve(system: str, python: str, pip_arguments: list[str], with_torch: bool) -> dict[str, str]:
    """Return name -> requirement with version and hashes, for all that is needed and not shipped with Slicer.

    uv does it, since pip reads the conditions of requirements (`sys_platform == "win32"`) for this computer always.
    """
    shipped, torch = literals()
    bounds = "".join(f"{name}{bound}\n" for name, bound in torch) if with_torch else ""
    without = "" if with_torch else "".join(f"{name}\n" for name, _ in torch)
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    command += ["--generate-hashes", "--only-binary", ":all:", "--index-strategy", "unsafe-best-match"]
    command += ["--python-platform", SYSTEMS[system][0], "--python-version", python]
    for name in shipped:
        command += ["--no-emit-package", name]
    with tempfile.TemporaryDirectory(prefix="weakmedsam-wheelhouse-") as folder:
        wanted, excluded = Path(folder) / "wanted.txt", Path(folder) / "excluded.txt"
        # NumPy is Slicer's own, 2 or newer: a set that works with an older one only must not be found.
        wanted.write_text(f"{REQUIREMENTS.read_text(encoding='utf-8')}{bounds}numpy>=2\n", encoding="utf-8")
        excluded.write_text(without, encoding="utf-8")
        return pins_of(_run([*command, "--excludes", str(excluded), *pip_arguments, str(wanted)]))


def pins_of(text: str) -> dict[str, str]:
    """Take the output of uv apart: name -> requirement with its hashes, over several lines."""
    return {found[1]: found[0] for found in re.finditer(r"^([A-Za-z0-9._-]+)==.*(?:\n +.*)*", text, re.MULTILINE)}


def download(pins: dict[str, str], out: Path, system: str, python: str, pip_arguments: list[str]) -> None:
    """Download exactly these files, by version and hash, without looking for more."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--require-hashes", "--python-version", python, "--implementation", "cp"]
    for platform in SYSTEMS[system][1]:
        command += ["--platform", platform]
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="weakmedsam-wheelhouse-") as folder:
        listed = Path(folder) / "pins.txt"
        listed.write_text("\n".join(pins.values()) + "\n", encoding="utf-8")
        _run([*command, "--dest", str(out), *pip_arguments, "--requirement", str(listed)])


def literals() -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Read what Slicer ships, and the bounds of torch, where the module has them; it cannot be imported here."""
    tree = ast.parse(DEPENDENCIES.read_text(encoding="utf-8"))
    shipped: tuple[str, ...] = ()
    torch: list[tuple[str, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "SHIPPED":
            shipped = ast.literal_eval(node.value)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Needed" and len(node.args) == 2:
            name, bound = node.args
            if isinstance(name, ast.Constant) and isinstance(bound, ast.Constant):
                torch.append((str(name.value), str(bound.value)))
    return shipped, tuple(torch)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command[:5])} failed:\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
