"""Settings of a store: validation, and storage in its file."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

import numpy as np

from storyclust._core.validation import check_bool, check_float
from storyclust.errors import InputError, StoreError
from storyclust.store.placing import Settings
from storyclust.store.table_definitions import NOT_CLEAN, SINCE_CLEAN
from storyclust.store.transactions import name_of, read_pragma, reading


def read_settings(connection: sqlite3.Connection) -> Settings:
    """Read the settings from the file."""
    with reading(connection):
        rows = connection.execute("SELECT name, value FROM meta").fetchall()
    stored = {name: value for name, value in rows if name in Settings._fields}
    if read_pragma(connection, "user_version") < SINCE_CLEAN:
        stored["clean"] = NOT_CLEAN
    try:
        if stored.keys() - {"clean"} and len(stored) < len(Settings._fields):
            raise InputError("some of them are missing.")
        return Settings(**check_settings({name: _parsed(name, value) for name, value in stored.items()}))
    except ValueError as error:  # an InputError is one too
        raise StoreError(
            f"{name_of(connection)} is damaged: its settings cannot be read ({error}); take a backup."
        ) from error


def settings_rows(settings: Settings) -> dict[str, str]:
    """Settings as rows of the table `meta`."""
    return {name: repr(float(value)) for name, value in settings._asdict().items()}


def shown(value: float | bool) -> str:
    """A setting as it is written in a message.

    >>> shown(0.5), shown(True)
    ('0.5', 'True')
    """
    return str(value) if isinstance(value, bool) else f"{value:g}"


def _parsed(name: str, value: str) -> float | bool:
    if name != "clean":
        return float(value)
    if value not in ("0.0", "1.0"):
        raise InputError(f"clean is {value!r}.")
    return value == "1.0"


def check_settings(settings: Mapping[str, float | bool]) -> dict[str, Any]:
    """Validate settings, of which some may be left out."""
    for name in settings:
        if name not in Settings._fields:
            raise InputError(f"a store has no setting {name!r}; there are {', '.join(Settings._fields)}.")
    checked: dict[str, Any] = {
        name: check_bool(name, value)
        if name == "clean"
        else check_float(name, value, low=0, high=np.inf if name == "event_window" else 1)
        for name, value in settings.items()
    }
    whole = Settings(**checked)
    if whole.thread_distance < whole.event_distance:
        raise InputError(
            f"thread_distance must not be less than event_distance ({whole.event_distance:g}), "
            f"got {whole.thread_distance:g}: events lie inside threads."
        )
    check_float("copy_threshold", whole.copy_threshold, low=0, high=1, open_low=True)
    return checked
