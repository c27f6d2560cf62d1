"""The guard against numbers that are none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from WeakMedSAMLib.contract.errors import UserError


def require_finite(stage: str, arrays: Mapping[str, object]) -> None:
    """Refuse the output of a stage that holds NaN or infinity: it would be kept, and spoil every later run.

    Parameters
    ----------
    stage : str
        Its name, for the message.
    arrays : mapping
        Name -> array, such as the weights of a network; what is no array of floating-point numbers is left alone.

    Raises
    ------
    UserError
        ``not_finite``.
    """
    for name, array in arrays.items():
        if isinstance(array, np.ndarray) and array.dtype.kind == "f" and not np.isfinite(array).all():
            raise UserError(
                "not_finite",
                f"The stage {stage!r} did not end in numbers ({name} holds NaN or infinity); its output is not kept.",
                "Run it again with another seed; if it happens again, set the grey value range of the volumes by hand "
                "and look for damaged volumes.",
                values={"stage": stage, "name": name},
            )
