"""The plot of the benchmark of effort: Dice over seconds, a panel a set, a line a policy. No picture of a scan."""

from __future__ import annotations

import io
from collections.abc import Mapping

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from WeakMedSAMLib.studies.effort_curves import ENOUGH, FIRST, Steps
from WeakMedSAMLib.studies.effort_policies import OUTLINED, POLICIES

_COLUMNS, _WIDE, _HIGH = 2, 4.2, 3.2
_MARKERS = "osv^<>DPX*hpd8"


def plot(sets: Mapping[str, Mapping[str, Steps]]) -> bytes:
    """SVG of the step functions of the policies of each set, to the horizon; the dotted line is the aim."""
    rows = -(-len(sets) // _COLUMNS)
    columns = min(_COLUMNS, len(sets))
    with rc_context({"svg.hashsalt": "weakmedsam", "font.size": 8}):
        figure = Figure(figsize=(_WIDE * columns + 2.2, _HIGH * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel in panels[len(sets) :]:
            panel.set_axis_off()
        lines: dict[str, Line2D] = {}
        for panel, (name, steps) in zip(panels, sets.items(), strict=False):
            _draw(panel, steps, lines)
            panel.set_title(name)
        shown = [policy.name for policy in POLICIES if policy.name in lines]
        figure.legend([lines[name] for name in shown], shown, loc="outside right upper", frameon=False)
        stream = io.BytesIO()
        FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None})
    return stream.getvalue()


def _draw(panel: Axes, steps: Mapping[str, Steps], lines: dict[str, Line2D]) -> None:
    names = [policy.name for policy in POLICIES]
    horizon = max(own.horizon for own in steps.values())
    for name, own in steps.items():
        number = names.index(name)
        times, dice = [*own.seconds, max(horizon, own.seconds[-1])], [*own.mean_dice, own.mean_dice[-1]]
        (lines[name],) = panel.plot(
            times,
            dice,
            drawstyle="steps-post",
            color=f"C{number % 10}",
            linestyle="-" if number < 10 else "--",
            linewidth=1.2,
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=4,
            markevery=range(len(own.seconds)),
        )
        if name == OUTLINED:
            panel.axhline(ENOUGH * dice[-1], color="0.6", linewidth=0.8, linestyle=":")
    panel.axvline(horizon, color="0.6", linewidth=0.8)
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter("{x:g}")
    panel.set_xlim(FIRST, 1.6 * max([horizon, *(own.seconds[-1] for own in steps.values())]))
    panel.set_ylim(0, 1.02)
    panel.set_xlabel("reader's seconds a volume")
    panel.set_ylabel("patient Dice")
    panel.grid(linewidth=0.3)
