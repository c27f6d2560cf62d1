"""Entry of the worker: ``weakmedsam`` after an installation, ``python -m WeakMedSAMLib.engine`` inside 3D Slicer."""

from __future__ import annotations

import importlib.util
import json
import sys

from WeakMedSAMLib.contract.exit_codes import OK, USER_ERROR
from WeakMedSAMLib.contract.probe_report import ProbeReport
from WeakMedSAMLib.contract.worker_arguments import PROBE

# What the command line itself is made of; a bare Python, such as 3D Slicer's, may lack it.
_NEEDED = ("click", "filelock", "numpy", "platformdirs")


def main() -> None:
    """Run the command line; where even that cannot be loaded, say what is missing in the way that `probe` does."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if not missing:
        from WeakMedSAMLib.engine.cli.main import main as command_line

        command_line()
    hint = "Run `pip install .` in a checkout; in 3D Slicer press Install in section 4 of the module."
    if sys.argv[1:2] == [PROBE]:
        print(json.dumps(ProbeReport(ready=False, missing=missing, hint=hint).to_json()))
        sys.exit(OK)
    print(f"Error: Not installed: {', '.join(missing)}.\n       {hint}", file=sys.stderr)
    sys.exit(USER_ERROR)


if __name__ == "__main__":
    main()
