"""Names of the files in the folder of one volume's results (``results/NNN/`` of a run folder)."""

from __future__ import annotations

LABELS = "labels.nrrd"
SEGMENTATION = "segmentation.seg.nrrd"
QUALITY = "quality.json"
PREVIEW = "preview.png"


def probability_name(label_value: int) -> str:
    """File name of the probability map of a class."""
    return f"probability_{label_value}.nrrd"
