"""Run a Python file under the stand-in: `python -m host FILE [ARGUMENT...]`, with Testing on PYTHONPATH."""

from __future__ import annotations

import runpy
import sys

from .host import start

if __name__ == "__main__":
    host = start()
    sys.argv = sys.argv[1:]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        host.stop()
