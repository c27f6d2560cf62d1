"""Moments by the clock of this computer. Files keep them in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


def localTime(moment: str, seconds: float = 0.0) -> str:
    """Return date and time of a moment, such as "2026-03-01 14:02".

    Parameters
    ----------
    moment : str
        ISO 8601; UTC where it names no zone. What cannot be read, such as in files of somebody else, stays as it is.
    seconds : float
        Added to the moment.
    """
    read = _read(moment, seconds)
    return moment if read is None else f"{read:%Y-%m-%d %H:%M}"


def clockTime(moment: str, seconds: float = 0.0) -> str:
    """Return a moment of today as time alone, "14:02", and any other as `localTime` does."""
    read = _read(moment, seconds)
    isToday = read is not None and read.date() == datetime.now().astimezone().date()
    return f"{read:%H:%M}" if read is not None and isToday else localTime(moment, seconds)


def _read(moment: str, seconds: float) -> datetime | None:
    try:
        read = datetime.fromisoformat(moment)
        return ((read if read.tzinfo else read.replace(tzinfo=timezone.utc)) + timedelta(seconds=seconds)).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
