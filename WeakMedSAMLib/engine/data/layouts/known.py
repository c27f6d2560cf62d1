"""Dataset folders by layout. A further layout is one file and one entry here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.layouts.abdomenct1k import ABDOMENCT1K
from WeakMedSAMLib.engine.data.layouts.brats2019 import BRATS2019
from WeakMedSAMLib.engine.data.layouts.msd import MSD
from WeakMedSAMLib.engine.data.layouts.pairs import PAIRS
from WeakMedSAMLib.engine.data.layouts.scans import Dataset, Layout

AUTO = "auto"
# In the order in which a folder is tried.
LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in (PAIRS, MSD, ABDOMENCT1K, BRATS2019)}


def read_dataset(folder: Path, layout: str = AUTO) -> Dataset:
    """Find the scans of a dataset and their masks; no voxel is read.

    Parameters
    ----------
    folder : Path
        Of the dataset.
    layout : str
        A name out of `LAYOUTS`, or ``"auto"`` for the first that fits.

    Raises
    ------
    UserError
        ``unknown_layout``, ``no_cases``, and what the readers raise: ``mask_missing``, ``duplicate_case``,
        ``bad_dataset``.
    """
    found = _read(Path(folder), layout) if Path(folder).is_dir() else None
    if found is None or not found.scans:
        wanted = [LAYOUTS[layout]] if layout in LAYOUTS else list(LAYOUTS.values())
        shapes = "; ".join(f"{one.name}: {one.shape}" for one in wanted)
        raise UserError("no_cases", f"{folder} holds no scans with masks.", f"Looked for {shapes}.")
    return found


def _read(folder: Path, layout: str) -> Dataset | None:
    if layout == AUTO:
        fitting = next((one for one in LAYOUTS.values() if one.recognises(folder)), None)
        return fitting.read(folder) if fitting else None
    if layout not in LAYOUTS:
        known = ", ".join([AUTO, *LAYOUTS])
        raise UserError("unknown_layout", f"There is no layout {layout!r}.", f"Choose one of: {known}.")
    return LAYOUTS[layout].read(folder)
