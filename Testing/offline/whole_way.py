"""The module from its opening to the exported masks, in the stand-in Slicer, with the real worker on a real scan.

Usage: python -m offline.whole_way FOLDER, with Testing and the checkout on PYTHONPATH. Prints what it wrote.
"""

from __future__ import annotations

import sys
from pathlib import Path

from host.host import start

FIRST, LAST = 6, 9
TAGGED = (1, 2)


def main(folder: Path) -> None:
    """Open the module, tag a part of a chest CT, make masks and export them."""
    host = start()
    import slicer
    from flows.chest import QUICK, load_chest

    root = Path(__file__).resolve().parents[2]
    host.loadModule(str(root / "WeakMedSAM" / "WeakMedSAM.py"))
    slicer.util.selectModule("WeakMedSAM")
    host.settle(0.1)
    from WeakMedSAM import WeakMedSAMLogic

    logic = WeakMedSAMLogic()
    logic.setClasses(["Lungs"])
    volume = load_chest(first=FIRST, last=LAST)
    logic.tagRange(volume, "Lungs", *TAGGED)
    run_id = logic.startRun([volume], device="cpu", overrides=QUICK)
    record = logic.waitForRun()
    print("STATUS", record.status)
    for path in logic.exportMasks(run_id, folder):
        print("WRITTEN", path.name, path.stat().st_size)
    logic.cleanup()
    host.unloadModule("WeakMedSAM")
    print("ERRORS", host.errors)
    host.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
