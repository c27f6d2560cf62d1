"""NRRD files written whole or not at all, in short pieces."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.files import replacing
from WeakMedSAMLib.contract.nrrd import Encoding, write_image_steps
from WeakMedSAMLib.frontend.base.steps import Steps, inThread


def writeSteps(
    path: Path | str,
    array: np.ndarray,
    ijkToRas: np.ndarray,
    fields: Mapping[str, str] | None = None,
    encoding: Encoding = "raw",
) -> Steps[Path]:
    """Write an image in short pieces; the file is there whole or not at all.

    Parameters
    ----------
    path, array, ijkToRas, fields, encoding
        As of `contract.nrrd.write_image_steps`.

    Returns
    -------
    Path
        Where the file is.

    Raises
    ------
    UserError
        ``cannot_write``, when the disk is full for instance.
    """
    path = Path(path)
    with ExitStack() as unfinished:
        temporary = unfinished.enter_context(replacing(path))
        yield from write_image_steps(temporary, array, ijkToRas, fields, encoding)
        finished = unfinished.pop_all()
    # The end of `replacing` waits until all is on the disk, which may take seconds.
    yield from inThread(finished.close)
    return path
