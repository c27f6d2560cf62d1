"""What a node of the scene shows of the labels, and which node shows what next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from WeakMedSAMLib.frontend.labels.marks.mark_finding import Mark
from WeakMedSAMLib.frontend.labels.marks.mark_node import POINT_LIST
from WeakMedSAMLib.frontend.labels.marks.voxel_grid import VoxelGrid

# A class and what of it one node shows.
Shown: TypeAlias = tuple[str, tuple[Mark, ...]]


@dataclass
class HeldNode:
    """A node, and what it shows: one box, or the points of a class."""

    node: Any
    className: str
    marks: tuple[Mark, ...]
    tags: list[int] = field(default_factory=list)
    isDirty: bool = False
    isDragged: bool = False

    @property
    def isList(self) -> bool:
        """Whether it shows points."""
        return bool(self.node.IsA(POINT_LIST))


@dataclass
class VolumeNodes:
    """The nodes of one volume node."""

    key: str
    grid: VoxelGrid
    held: list[HeldNode] = field(default_factory=list)


def matched(old: list[HeldNode], wanted: list[Shown]) -> list[tuple[HeldNode | None, Shown]]:
    """Pair what is to be shown with the nodes that show it already, or something else of the same class."""
    left, found = list(old), {}
    for isExact in (True, False):
        for number, (name, marks) in enumerate(wanted):
            same = (held for held in left if (held.marks == marks if isExact else held.className == name))
            if number not in found and (held := next(same, None)) is not None:
                found[number] = held
                left.remove(held)
    return [(found.get(number), each) for number, each in enumerate(wanted)]


def setHandles(held: HeldNode, isOn: bool) -> None:
    """Show handles at a box, or hide them."""
    display = held.node.GetDisplayNode()
    if not held.isList and display is not None and bool(display.GetHandlesInteractive()) != isOn:
        display.SetHandlesInteractive(isOn)


def unfollow(held: HeldNode) -> None:
    """Hear of a node no longer."""
    for tag in held.tags:
        held.node.RemoveObserver(tag)
    held.tags = []
