"""Pin what development installs, with the hash of every file, in requirements-dev.lock.

One file serves Linux, macOS and Windows and every Python that is supported. torch and torchvision are not in it: which
build of them is right depends on the computer (constraints.txt pins the version). The head of the lock says its use.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements-dev.lock"
OLDEST_PYTHON = "3.10"
HEAD = """\
# Everything that development installs, each file by its hash; made by `make lock` from pyproject.toml:
#   uv pip compile --universal --generate-hashes, without torch and torchvision.
# Those two come first, in the build that fits the computer, and bring what only they need. To install:
#   pip install --constraint constraints.txt torch torchvision
#   pip install --require-hashes --no-deps --requirement requirements-dev.lock
#   pip install --no-deps --no-build-isolation --editable .
"""


def main() -> None:
    """Resolve and write the lock."""
    command = [sys.executable, "-m", "uv", "pip", "compile", str(ROOT / "pyproject.toml"), "--quiet", "--no-header"]
    command += ["--extra", "demo", "--extra", "dev", "--universal", "--python-version", OLDEST_PYTHON]
    command += ["--generate-hashes"]
    with tempfile.TemporaryDirectory(prefix="weakmedsam-lock-") as folder:
        excluded = Path(folder) / "excluded.txt"
        excluded.write_text("torch\ntorchvision\n", encoding="utf-8")
        done = subprocess.run(
            [*command, "--excludes", str(excluded)], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
        )
    if done.returncode != 0:
        sys.exit(done.stderr)
    LOCK.write_text(HEAD + done.stdout, encoding="utf-8", newline="\n")
    print(f"{LOCK.name}: {done.stdout.count('==')} pins")


if __name__ == "__main__":
    main()
