"""What is said where volumes have no tags while tags have no volume."""

from __future__ import annotations

from collections.abc import Sequence

from WeakMedSAMLib.contract.csv_cells import looks_like_date
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.likely_names import MOST_NAMED, likely_pairs, list_names


def find_unmet(untagged: Sequence[str], unused: Sequence[str]) -> Problem | None:
    """Say that volumes have no tags while tags have no volume: mostly they are called by two names.

    Parameters
    ----------
    untagged : sequence of str
        Names of the volumes.
    unused : sequence of str
        Names in the tag file.

    Returns
    -------
    Problem or None
        A warning with both sides and the likely pairs; None where either side is empty.
    """
    if not untagged or not unused:
        return None
    message = (
        f"There are no tags for {list_names(untagged)}; those for {list_names(unused)} are of none of these volumes."
    )
    return Problem(
        "warning",
        "tags_unmet",
        message,
        _way_out(untagged, unused),
        values={"untagged": list(untagged), "unused": list(unused)},
    )


def _way_out(untagged: Sequence[str], unused: Sequence[str]) -> str:
    pairs = likely_pairs(untagged, unused)
    if pairs:
        words = ", ".join(f"{other!r} is most likely {name!r}" for name, other in pairs[:MOST_NAMED])
        more = f" (and {len(pairs) - MOST_NAMED} more)" if len(pairs) > MOST_NAMED else ""
        return f"{words}{more}: write the names of the volumes into the tag file."
    dates = [name for name in unused if looks_like_date(name)]
    if dates:
        return f"{dates[0]!r} looks like a date that a spreadsheet made of a name: set its column to text."
    return "A volume is called like its file, without the suffix: write that name into the tag file."
