"""Callbacks that may fail without taking Slicer along: lists of our own, and wrappers for what Qt and VTK call."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import cache
from typing import Any

import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.engine_words import errorInWords

_logger = logging.getLogger(__name__)
# What failed already: a failing callback that runs at every scroll step must not open a window at every step.
_shown: set[tuple[str, str]] = set()


class Callbacks:
    """Functions that are called one after the other, in the order in which they were connected.

    An exception in one is logged and does not stop the others. Functions may connect and disconnect while they are
    called; that counts from the next call on, but a function that was disconnected is not called any more.
    """

    def __init__(self) -> None:
        self._functions: list[Callable[..., Any]] = []

    def connect(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Add a function, once; returns it, so that a lambda can be kept for `disconnect`."""
        if function not in self._functions:
            self._functions.append(function)
        return function

    def disconnect(self, function: Callable[..., Any]) -> None:
        """Remove a function; nothing happens if it is not there."""
        if function in self._functions:
            self._functions.remove(function)

    def clear(self) -> None:
        """Remove every function."""
        self._functions.clear()

    def __call__(self, *arguments: Any) -> None:
        """Call every function with these arguments."""
        for function in list(self._functions):
            if function in self._functions:
                callLogged(function, *arguments)


class Connections:
    """What somebody listens to, so that all of it ends at once.

    Parameters
    ----------
    *pairs : (Callbacks, callable)
        Connected in this order.
    """

    def __init__(self, *pairs: tuple[Callbacks, Callable[..., Any]]) -> None:
        self._pairs = pairs
        for callbacks, function in pairs:
            callbacks.connect(function)

    def disconnect(self) -> None:
        """Listen to nothing any more."""
        for callbacks, function in self._pairs:
            callbacks.disconnect(function)


def guarded(function: Callable[..., Any], onError: Callable[[UserError], Any] | None = None) -> Callable[..., Any]:
    """Wrap a function for Qt or VTK to call: it takes any arguments, passes on what fits, and never raises.

    Parameters
    ----------
    function : callable
        What is to be done. It gets as many of the arguments as it has positional parameters, as under PythonQt.
    onError : callable, optional
        Gets a `UserError` of `function`, to show it in place. Without it, the error opens a message box.

    Returns
    -------
    callable
        Returns what `function` returns, or None after an error. Any error that is not a `UserError` is logged with its
        traceback, and shown the first time it comes from this function.
    """
    # Looked up when there are arguments first: hundreds of shortcuts and buttons never give one.
    limit = cache(lambda: _positionalLimit(function))

    def call(*arguments: Any) -> Any:
        # The one place where everything is caught: an exception that leaves a Qt or VTK callback can end Slicer.
        try:
            return function(*(arguments and arguments[: limit()]))
        except UserError as error:
            _report(onError or showError, error)
        except Exception as error:
            _logger.exception("A callback of WeakMedSAM failed")
            _showUnexpected(function, error)
        return None

    return call


def showError(error: UserError) -> None:
    """Show what a user can put right, in a message box."""
    slicer.util.errorDisplay(errorInWords(error), windowTitle=_("WeakMedSAM"))


def callLogged(function: Callable[..., Any], *arguments: Any) -> None:
    """Call a function that must not stop its caller: an exception in it is logged."""
    try:
        function(*arguments)
    except Exception:
        _logger.exception("A listener of WeakMedSAM failed")


def _report(handler: Callable[[UserError], Any], error: UserError) -> None:
    _logger.info("%s: %s", error.code, error)
    callLogged(handler, error)


def _showUnexpected(function: Callable[..., Any], error: Exception) -> None:
    key = (repr(getattr(function, "__qualname__", function)), type(error).__name__)
    if key in _shown:
        return
    _shown.add(key)
    text = _("Something went wrong: {error}. Details are in the log (View > Error Log).")
    callLogged(slicer.util.errorDisplay, text.format(error=str(error) or type(error).__name__))


def _positionalLimit(function: Callable[..., Any]) -> int | None:
    """Return how many positional arguments a function takes; None without a limit."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional for parameter in parameters)
