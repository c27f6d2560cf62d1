"""What a worker that stands in for the resident one was asked, and what it answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

FAKE = Path(__file__).parents[1] / "Python" / "frontend" / "answering_worker.py"
BOX = ((2, 5), (3, 9))
SHAPE = (12, 32, 40)  # k, j, i


def said(log, kind="open"):
    """Requests of a kind that workers got."""
    lines = log.read_text("ascii").splitlines() if log.exists() else []
    return [one for one in map(json.loads, (line for line in lines if line[0] == "{")) if one["ask"] == kind]


def started(log):
    """How workers were started: the words of each command."""
    lines = log.read_text("ascii").splitlines() if log.exists() else []
    return [line.split() for line in lines if line[0] != "{"]


def expected(shape=SHAPE[1:], box=BOX):
    mask = np.zeros(shape, bool)
    (top, bottom), (left, right) = box
    mask[top : bottom + 1, left : right + 1] = True
    return mask
