"""Exceptions and the warning category of the package.

A message names the place and the value in one sentence, and a remedy where there is one.
"""

from __future__ import annotations


class StoryclustError(Exception):
    """Base class of every error that storyclust raises deliberately."""


class InputError(StoryclustError, ValueError):
    """Invalid input: an argument, file, record or field."""


class InputTypeError(InputError, TypeError):
    """A value of the wrong type."""


class MissingExtraError(StoryclustError, ImportError):
    """An optional dependency is not installed; the message names the extra to install."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(
            f'{purpose} needs an optional dependency: python -m pip install "storyclust[{extra}]".'
        )


class StoreError(StoryclustError):
    """A store cannot be opened, read or written; the message names the file and a remedy."""


class StoreBusyError(StoreError):
    """Another process kept the store locked for longer than the timeout."""


class StoryclustWarning(UserWarning):
    """Input was rejected or guessed; the result is valid, and the message gives counts."""


class ConvertedTextWarning(StoryclustWarning):
    """Texts were HTML, had entities or mis-decoded characters, and were read as plain text."""


class FieldsWarning(StoryclustWarning):
    """Fields were taken from unusual names, left out, or not taken though they look like texts or dates."""
