"""The file of a store: its tables, and how it is created, opened and migrated.

It is one SQLite file in WAL mode: readers see what was committed when they began, and never wait. One process
writes at a time, under the lock of `lock`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from storyclust.articles.dates import quoted
from storyclust.errors import StoreError
from storyclust.store.encoding import valid_utf8
from storyclust.store.full_text import index_all
from storyclust.store.lock import TIMEOUT, writers_lock
from storyclust.store.table_definitions import (
    FURNITURE_TABLES,
    INDEX_TABLES,
    NOT_CLEAN,
    SCALES_TABLE,
    TABLE_NAMES,
    TABLES,
)
from storyclust.store.transactions import explaining, read_pragma, table_names, transaction

APPLICATION_ID = 0x53544359  # "STCY", in the header of the SQLite file
OLDEST_SQLITE = (3, 37, 0)  # STRICT tables

CACHE_KILOBYTES = 32 << 10  # so that a batch fits, and no page is written twice
LOG_PAGES = 8_000  # of 4 KB, after which the log is written back: some batches, whose pages partly coincide

Migration = Callable[[sqlite3.Connection], None]


def add_furniture(connection: sqlite3.Connection) -> None:
    """Add the tables of page furniture. They stay empty: the store goes on comparing whole texts."""
    for statement in _statements(FURNITURE_TABLES):
        connection.execute(statement)
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('clean', ?)", [NOT_CLEAN])


def add_scales(connection: sqlite3.Connection) -> None:
    """Add the table of scales, which consolidation fills; words are folded otherwise since then, too."""
    for statement in _statements(SCALES_TABLE):
        connection.execute(statement)
    index_all(connection)


def add_entries(connection: sqlite3.Connection) -> None:
    """Add the tables of the index of terms, which the next writer fills."""
    for statement in _statements(INDEX_TABLES):
        connection.execute(statement)


MIGRATIONS: tuple[Migration, ...] = (add_furniture, add_scales, add_entries)  # from version 1 to 2, 3, 4
ADDED_TABLES = (FURNITURE_TABLES, SCALES_TABLE, INDEX_TABLES)  # by each of them; readers do without


def connect(
    path: str | os.PathLike[str],
    read_only: bool = False,
    timeout: float = TIMEOUT,
    settings: Mapping[str, str] | None = None,
) -> sqlite3.Connection:
    """Open the file of a store; create it if it does not exist.

    Parameters
    ----------
    path : str or path-like
        An empty file counts as missing.
    read_only : bool, default=False
        Never change the file, which must exist.
    timeout : float, default=30.0
        Seconds to wait while another process has it locked.
    settings : mapping of str to str, optional
        Rows of the table `meta` of a new file.

    Returns
    -------
    sqlite3.Connection
        In autocommit mode: use `reading` and `writing` for transactions.

    Raises
    ------
    StoreError
        The file is not a store, is damaged, or cannot be read or written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from storyclust.store.schema import connect
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     connection = connect(pathlib.Path(folder, "news.db"))
    ...     print(*connection.execute("SELECT * FROM meta").fetchall())
    ...     connection.close()
    ('generation', '0')
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreError(
            f"a store needs SQLite {'.'.join(map(str, OLDEST_SQLITE))} or later, and this Python has "
            f"{sqlite3.sqlite_version}; use a newer Python."
        )
    name = os.fspath(path)
    _check_path(name, read_only)
    with explaining(name):
        connection = _open(name, read_only, timeout)
        try:
            if _is_new(connection, name):
                if read_only:
                    raise StoreError(f"{name} is empty: no store; open it for writing to make one.")
                with writers_lock(name, timeout):
                    _create(connection, name, settings or {})
            _check_version(connection, name)
            _check_tables(connection, name)
            _migrate_if_old(connection, name, read_only, timeout)
        except BaseException:
            connection.close()
            raise
    return connection


def _check_path(name: str, read_only: bool) -> None:
    """Raise the reason if a file cannot be opened; SQLite would only say that it cannot."""
    path = Path(name)
    try:
        path.absolute().stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:  # the name is too long or has a NUL, or a folder is not accessible
        raise StoreError(f"cannot open {name!r}: {getattr(error, 'strerror', error)}.") from error
    if path.is_dir():
        raise StoreError(f"{name} is a folder; a store is a file.")
    if not path.exists():
        if read_only:
            raise StoreError(f"there is no store {name}; open it for writing to make one.")
        if not path.absolute().parent.is_dir():
            raise StoreError(f"cannot make {name}: there is no folder {path.absolute().parent}.")
    elif not path.is_file():
        raise StoreError(f"{name} is no regular file.")
    elif not read_only and not os.access(name, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        # SQLite would open it, and fail at the first change.
        raise StoreError(f"{name} is read-only; open it with read_only=True, or change who may write it.")


def _open(name: str, read_only: bool, timeout: float) -> sqlite3.Connection:
    """Connect, and read a first page; without write access to the folder, open the file as immutable."""
    address = f"{Path(name).absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    try:
        return _connect_to(address, timeout)
    except sqlite3.OperationalError as error:
        # A reader creates files beside a store. Where it may not, the file is immutable if there is no log,
        # for then no process is writing.
        denied = error.sqlite_errorname.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY"))
        if not (read_only and denied) or Path(f"{name}-wal").exists():
            raise
        return _connect_to(f"{address}&immutable=1", timeout)


def _connect_to(address: str, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(address, timeout=timeout, isolation_level=None, uri=True)
    try:
        # Views and triggers of a hostile file must not run functions.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KILOBYTES}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        connection.create_function("valid_utf8", 1, valid_utf8, deterministic=True)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _is_new(connection: sqlite3.Connection, name: str) -> bool:
    """Whether a file is empty; raises if it belongs to another application."""
    application = read_pragma(connection, "application_id")
    if application == APPLICATION_ID:
        return False
    if application or read_pragma(connection, "user_version") or table_names(connection):
        raise StoreError(f"{name} is the database of another application; take another name for the store.")
    return True


def _create(connection: sqlite3.Connection, name: str, settings: Mapping[str, str]) -> None:
    """Create the tables in one transaction; a killed process leaves an empty file, as if there were none."""
    connection.execute("PRAGMA journal_mode = WAL")
    with transaction(connection, "IMMEDIATE"):
        if not _is_new(connection, name):  # another process was first
            return
        for statement in _statements(TABLES):
            connection.execute(statement)
        rows = {**settings, "generation": "0"}
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows.items())
        # `_is_new` reads them in the opposite order.
        connection.execute(f"PRAGMA user_version = {version()}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _statements(script: str) -> Iterator[str]:
    """Split a script into statements: `executescript` would commit the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def version() -> int:
    """Version of the schema that this storyclust reads and writes."""
    return 1 + len(MIGRATIONS)


def _check_version(connection: sqlite3.Connection, name: str) -> None:
    found = read_pragma(connection, "user_version")
    if found > version():
        raise StoreError(
            f"{name} was written by a newer storyclust: its tables are of version {found}, and this one "
            f"knows up to {version()}; python -m pip install --upgrade storyclust."
        )
    if found < 1 or not table_names(connection) >= _tables_of(found):
        raise StoreError(f"{name} is damaged: it lacks some of its tables; take a backup.")
    unexpected = "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY 2"
    for kind, other in connection.execute(unexpected):  # it would run when the store is read or written
        raise StoreError(
            f"{name} has a {kind} {quoted(other)}, as no store has: drop it if you made it, and do not "
            "trust the file if you did not."
        )


def _tables_of(of_version: int) -> frozenset[str]:
    """Names of the tables of a file of some version."""
    return TABLE_NAMES.difference(re.findall(r"CREATE TABLE (\w+)", _added_since(of_version)))


def _added_since(of_version: int) -> str:
    """Statements that create the tables that files of some version lack."""
    return "".join(ADDED_TABLES[of_version - 1 :])


def _check_tables(connection: sqlite3.Connection, name: str) -> None:
    columns, tables = _columns(connection), _tables_of(read_pragma(connection, "user_version"))
    for table, expected in _expected_columns().items():
        if table in tables and not columns.get(table, set()) >= expected:
            raise StoreError(f"{name} is damaged: its table {table} is not that of a store; take a backup.")


def _columns(connection: sqlite3.Connection) -> dict[str, set[tuple[object, ...]]]:
    """Columns of each table: name, type, NOT NULL, primary key; and STRICT and WITHOUT ROWID."""
    query = (
        'SELECT l.name, i.name, i.type, i."notnull", i.pk, l.strict, l.wr '
        "FROM pragma_table_list AS l, pragma_table_info(l.name) AS i "
        "WHERE l.schema = 'main' AND l.type = 'table'"
    )
    columns: dict[str, set[tuple[object, ...]]] = {}
    for table, *column in connection.execute(query):
        columns.setdefault(table, set()).add(tuple(column))
    return columns


@functools.cache
def _expected_columns() -> dict[str, set[tuple[object, ...]]]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(TABLES)
        return {table: columns for table, columns in _columns(connection).items() if table in TABLE_NAMES}


def _migrate_if_old(connection: sqlite3.Connection, name: str, read_only: bool, timeout: float) -> None:
    if read_pragma(connection, "user_version") == version():
        return
    if read_only:
        found = read_pragma(connection, "user_version")
        if not {*MIGRATIONS[found - 1 :]} <= {add_furniture, add_scales, add_entries}:
            raise StoreError(f"{name} was written by an older storyclust; open it for writing once.")
        for statement in _statements(_added_since(found).replace("CREATE TABLE", "CREATE TEMP TABLE")):
            connection.execute(statement)  # empty, as they would be in the file
        return
    with writers_lock(name, timeout):
        migrate(connection)


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate an older file to the current version, in one transaction."""
    with transaction(connection, "IMMEDIATE"):
        for migration in MIGRATIONS[read_pragma(connection, "user_version") - 1 :]:
            migration(connection)
        connection.execute(f"PRAGMA user_version = {version()}")
