"""What can go wrong, as a small tree of exceptions.

Each message is one sentence that names the place and the value, with a way out where there is one.
"""

from __future__ import annotations


class StoryclustError(Exception):
    """Base of every error storyclust raises on purpose."""


class InputError(StoryclustError, ValueError):
    """Data that cannot be used as it is: a bad argument, file, record or field."""


class InputTypeError(InputError, TypeError):
    """A value of the wrong type, where a sequence of articles or a text was due."""


class MissingExtraError(StoryclustError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(
            f'{purpose} needs an optional dependency: python -m pip install "storyclust[{extra}]".'
        )


class StoreError(StoryclustError):
    """A store that cannot be opened, read or written as it is; the message names the file and a way out."""


class StoreBusyError(StoreError):
    """Another process went on writing to the store for longer than this one would wait."""


class StoryclustWarning(UserWarning):
    """Something was set aside or guessed; the result stands, and the message counts what."""
