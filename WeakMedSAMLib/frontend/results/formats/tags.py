"""All tags and classes, complete (``.json``) or as a table (``.csv``)."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from pathlib import Path

from WeakMedSAMLib.frontend.base.steps import Steps, inThread
from WeakMedSAMLib.frontend.results.export_formats import ExportFormat, ExportWork, register
from WeakMedSAMLib.frontend.results.exports import Exported, exportTags


def _writeSteps(work: ExportWork, path: Path) -> Steps[Exported]:
    if work.cohort is None:
        raise ValueError("no tags were given to write")
    # Until a file is on the disk may take long; tags are copied first, since tagging goes on meanwhile.
    return (yield from inThread(partial(exportTags, deepcopy(work.cohort), path)))


register(ExportFormat("tagsJson", "_tags.json", "tags", _writeSteps))
register(ExportFormat("tagsCsv", "_tags.csv", "tags", _writeSteps))
