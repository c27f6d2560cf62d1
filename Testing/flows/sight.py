"""What one sees of a panel: it is opened, its cells are read, and where they are is said."""

from __future__ import annotations


def opened(panel, host):
    panel.widget.resize(480, 700)
    panel.widget.show()
    host.settle(0.05)
    return panel


def cell(table, row, column):
    return table.item(row, column).text()


def tick_reviewed(host, table, row, click):
    """Tick *Reviewed* of a mask, whose slices nobody looked at."""
    host.dialogs.answer("Mark all the same")
    click(table.viewport(), *center_of(table, row, 3, x=10))
    assert not host.dialogs.answers


def center_of(table, row, column, x=None):
    rect = table.visualItemRect(table.item(row, column))
    return (rect.center().x() if x is None else rect.left() + x), rect.center().y()
