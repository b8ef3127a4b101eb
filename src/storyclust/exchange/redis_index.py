"""datasketch's LSH index on a Redis server, shared by processes.

The index is a plain `datasketch.MinHashLSH`, which any process can query. One more key on the server records
how the signatures were made: hash values do not show it, and an index opened with other settings would
silently give wrong results.

Nothing is pickled. datasketch would pickle keys on their way into Redis and unpickle what it finds there, so
that anyone who can write to the server could run code in every process that queries it. Here keys are UTF-8
bytes, and queries return bytes.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.progress import stage
from storyclust.dedup.estimators import MinHasher
from storyclust.dedup.lsh import choose_bands
from storyclust.errors import InputError, InputTypeError, MissingExtraError, StoryclustError
from storyclust.exchange.signatures import (
    check_hasher,
    check_keys,
    check_signatures,
    encode_utf8,
    format_settings,
)

if TYPE_CHECKING:
    from datasketch import MinHashLSH
    from numpy.typing import NDArray


FORMAT = 1  # version of tokens, hashes and layout; to be raised with every change
BATCH = 1_000  # signatures published at a time: a few megabytes of commands
TIMEOUT = 30  # seconds to wait for a server, unless the address has a timeout
RESERVED = ("_keys", "_bucket_")  # what datasketch puts between the name of an index and the rest of a key
# Removes a key from a bucket, and an empty bucket from the list of buckets. datasketch does this in two
# steps, between which another process may fill the bucket again and lose it from the list.
REMOVE_SCRIPT = """
redis.call('srem', KEYS[2], ARGV[2])
if redis.call('exists', KEYS[2]) == 0 then redis.call('hdel', KEYS[1], ARGV[1]) end
"""


class IndexSpec(NamedTuple):
    """Location and settings of an index."""

    pool: Any
    address: str
    basename: str
    settings: dict[str, Any]


def publish(
    signatures: NDArray[np.uint32],
    keys: Sequence[str],
    *,
    hasher: MinHasher | None = None,
    threshold: float = 0.8,
    redis: str = "redis://localhost:6379/0",
    basename: str = "storyclust",
) -> MinHashLSH:
    """Put signatures into a `datasketch.MinHashLSH` on Redis, for other processes to query.

    Publishing a key again with the same signature changes nothing; another signature replaces the former
    one. Other keys stay. An interrupted call is completed by repeating it. Several processes may publish
    into one index at the same time, but not the same key.

    Parameters
    ----------
    signatures : uint32 array of shape (n, num_perm)
    keys : sequence of str of length n
        Keys that queries return, as UTF-8 bytes. Distinct and not empty.
    hasher : MinHasher, optional
        The hasher that made the signatures; by default ``MinHasher()``.
    threshold : float in (0, 1], default=0.8
        Similarity from which queries find a signature. The bands are
        ``choose_bands(threshold, num_perm)``.
    redis : str, default="redis://localhost:6379/0"
        Address of the server: ``redis://``, ``rediss://`` (TLS) or ``unix://``, with user and password
        if the server requires them.
    basename : str, default="storyclust"
        Name of the index, with which its keys in Redis begin.

    Returns
    -------
    index : datasketch.MinHashLSH
        Query it with ``index.query(hasher.to_datasketch(row))``, which returns the keys of unverified
        candidates as a list of bytes. Its own methods take keys as bytes, too. It holds connections and
        cannot be pickled: another process calls `open_index`.

    Raises
    ------
    InputError
        Signatures, keys or a setting are invalid, the index has other settings, or no server answers.
    MissingExtraError
        The package redis is not installed.
    StoryclustError
        The server refuses a command.

    Examples
    --------
    >>> from storyclust import MinHasher
    >>> from storyclust.exchange import publish
    >>> hasher = MinHasher()
    >>> signatures = hasher.transform(["the ministers met in Tokyo on Friday", "rain is expected"])
    >>> index = publish(signatures, ["ap-1", "dwd-7"], redis="redis://localhost:6379/0")  # doctest: +SKIP
    >>> index.query(hasher.to_datasketch(signatures[0]))  # doctest: +SKIP
    [b'ap-1']
    """
    hasher = check_hasher(hasher)
    signatures = check_signatures(signatures, hasher.num_perm)
    names = check_keys(keys, len(signatures))
    spec = specify_index(hasher, threshold, redis, basename)
    with translate_errors(spec.address), stage("publishing", len(names)) as advance:
        register_settings(spec)
        index = connect_lsh(spec)
        for start in range(0, len(names), BATCH):
            part = slice(start, start + BATCH)
            publish_batch(index, names[part], signatures[part], hasher)
            advance(len(names[part]))
    return index


def open_index(
    *,
    hasher: MinHasher | None = None,
    threshold: float = 0.8,
    redis: str = "redis://localhost:6379/0",
    basename: str = "storyclust",
) -> MinHashLSH:
    """Open an index that `publish` made, in this process or another.

    Parameters
    ----------
    hasher : MinHasher, optional
        With the settings that the index was published with; by default ``MinHasher()``.
    threshold : float in (0, 1], default=0.8
        The threshold that the index was published with.
    redis : str, default="redis://localhost:6379/0"
        Address of the server, as for `publish`.
    basename : str, default="storyclust"
        Name of the index.

    Returns
    -------
    index : datasketch.MinHashLSH
        As `publish` returns it.

    Raises
    ------
    InputError
        There is no such index, it has other settings, or no server answers.
    MissingExtraError, StoryclustError
        As for `publish`.

    Examples
    --------
    >>> from storyclust import MinHasher
    >>> from storyclust.exchange import open_index
    >>> hasher = MinHasher()
    >>> index = open_index(hasher=hasher, redis="redis://localhost:6379/0")  # doctest: +SKIP
    >>> row = hasher.transform(["The ministers met in Tokyo on Friday!"])[0]
    >>> [key.decode() for key in index.query(hasher.to_datasketch(row))]  # doctest: +SKIP
    ['ap-1']
    """
    spec = specify_index(check_hasher(hasher), threshold, redis, basename)
    with translate_errors(spec.address):
        stored = stored_settings(spec)
    if stored is None:
        raise InputError(f"There is no index {basename!r} on Redis at {spec.address}; publish one first.")
    check_settings(spec, stored)
    return connect_lsh(spec)


def specify_index(hasher: MinHasher, threshold: float, redis: object, basename: object) -> IndexSpec:
    """Check the location and settings of an index, without contacting the server."""
    bands = choose_bands(threshold, hasher.num_perm)
    if bands.bands < 2:
        raise InputError(
            f"threshold={threshold:g} with num_perm={hasher.num_perm} makes a single band, and datasketch "
            "wants two or more; lower the threshold."
        )
    if not isinstance(basename, str):
        raise InputTypeError(f"basename must be str, got {type(basename).__name__}.")
    if not basename or any(part in basename for part in RESERVED):
        raise InputError(f"basename must be a name without {' or '.join(RESERVED)}, got {basename!r}.")
    encode_utf8("basename", basename)
    settings = {
        "format": FORMAT,
        "num_perm": int(hasher.num_perm),
        "seed": int(hasher.seed),
        "shingle_size": int(hasher.shingle_size),
        "threshold": float(threshold),
        "bands": bands.bands,
        "rows": bands.rows,
    }
    return IndexSpec(*connect(redis), basename, settings)


def connect(url: object) -> tuple[Any, str]:
    """Return a pool of connections, not opened yet, and the server's address without its password.

    Unlike those of a client's default pool, these connections do not retry. They must not: a command that
    reached the server before the connection broke would be executed twice.
    """
    try:
        from redis import ConnectionPool
    except ImportError:
        raise MissingExtraError("An index on Redis", "redis") from None
    if not isinstance(url, str):
        raise InputTypeError(f"redis must be the address of a server as str, got {type(url).__name__}.")
    limits = {"socket_connect_timeout": TIMEOUT, "socket_timeout": TIMEOUT}
    try:
        pool: Any = ConnectionPool.from_url(url, **limits)
    except ValueError:
        shown = repr(url) if "@" not in url and "?" not in url else "one that cannot be read"
        raise InputError(
            f"redis must be an address such as 'redis://localhost:6379/0', got {shown}."
        ) from None
    known = pool.connection_kwargs
    known["decode_responses"] = False  # band values are not text, even if the address asks for it
    server = known.get("path") or f"{known.get('host', 'localhost')}:{known.get('port', 6379)}"
    return pool, f"{server}/{known.get('db', 0)}"


@contextlib.contextmanager
def translate_errors(address: str) -> Iterator[None]:
    """Translate errors of the client into one sentence that names the server."""
    from redis import exceptions

    try:
        yield
    except exceptions.RedisError as error:
        # Not their subclasses, which a server that answers causes.
        if type(error) in {exceptions.ConnectionError, exceptions.TimeoutError}:
            raise InputError(
                f"No Redis server answers at {address}; start one there, or give another address."
            ) from error
        if isinstance(error, exceptions.AuthenticationError) or "already authenticated" in str(error):
            raise InputError(
                f"Redis at {address} wants a password, or another one; "
                "give it in the address: redis://user:password@host:6379/0."
            ) from error
        raise StoryclustError(f"Redis at {address} refuses: {str(error).rstrip('.')}.") from error


def stored_settings(spec: IndexSpec) -> object:
    """Return the settings that an index was published with, or None if there is no index."""
    from redis import Redis

    client: Any = Redis(connection_pool=spec.pool)
    # In this order: another process may be publishing, and it writes settings before records.
    filled = client.exists(f"{spec.basename}_keys")
    stored = client.get(f"{spec.basename}_settings")
    if stored is None:
        return {} if filled else None
    try:
        return json.loads(stored)
    except ValueError:
        return {}


def check_settings(spec: IndexSpec, stored: object) -> None:
    """Raise if an index was published with other settings than those given."""
    where = f"Index {spec.basename!r} on Redis at {spec.address}"
    if not isinstance(stored, dict) or not stored.keys() >= spec.settings.keys():
        raise InputError(f"{where} was not published by storyclust; choose another basename.")
    if wrong := [name for name in spec.settings if stored[name] != spec.settings[name]]:
        raise InputError(
            f"{where} was published with {format_settings(stored, wrong)}, not with "
            f"{format_settings(spec.settings, wrong)}; use its settings, or another basename."
        )


def register_settings(spec: IndexSpec) -> None:
    """Store the settings of a new index; raise if it exists with others."""
    from redis import Redis

    if stored_settings(spec) is None:
        client: Any = Redis(connection_pool=spec.pool)
        client.set(f"{spec.basename}_settings", json.dumps(spec.settings), nx=True)
    check_settings(spec, stored_settings(spec))


def connect_lsh(spec: IndexSpec) -> MinHashLSH:
    """Return an index as datasketch's class, connected to the server."""
    from datasketch import MinHashLSH

    index = MinHashLSH(
        num_perm=spec.settings["num_perm"],
        params=(spec.settings["bands"], spec.settings["rows"]),
        storage_config={
            "type": "redis",
            "basename": spec.basename.encode(),
            "redis": {"connection_pool": spec.pool},  # one for all bands, instead of one each
        },
        prepickle=False,
    )
    # datasketch sets the scheme at the first insert, and refuses sketches of others from then on. Set here,
    # an index that is only queried refuses them, too.
    index._minhash_scheme = "affine32"
    return index


def publish_batch(
    index: MinHashLSH, keys: list[bytes], signatures: NDArray[np.uint32], hasher: MinHasher
) -> None:
    """Publish the signatures that the index does not have under their key.

    A key is first added to its buckets. Then one transaction removes it from those of its former signature
    and writes its record, which marks it as published. So queries find it at any time, and wherever the
    connection breaks, a repeated call does the rest.
    """
    writer = index.insertion_session(buffer_size=sys.maxsize)  # a batch is small; nothing is sent early
    stored = index.keys.getmany(*keys)
    for key, signature, old in zip(keys, signatures, stored, strict=True):
        new = band_values(signature, index.b, index.r)
        if old == new:
            continue
        if old:
            remove_from_buckets(index, key, old, new)
            index.keys.remove(key, buffer=True)
        writer.insert(key, hasher.to_datasketch(signature), check_duplication=False)
    # Not by a with statement, which would write the records even if the buckets failed.
    for table in index.hashtables:
        table.empty_buffer()
    writer.close()


def remove_from_buckets(index: MinHashLSH, key: bytes, old: list[bytes], new: list[bytes]) -> None:
    """Remove a key from the buckets that its new signature does not share.

    A record has the bands more than once if two processes published the key at the same time.
    """
    for place, value in enumerate(old):
        band = place % index.b
        if value != new[band]:
            table = index.hashtables[band]
            index.keys._buffer.eval(REMOVE_SCRIPT, 2, table._name, table.redis_key(value), value, key)


def band_values(signature: NDArray[np.uint32], bands: int, rows: int) -> list[bytes]:
    """Bands of a signature in datasketch's byte order."""
    swapped = signature.byteswap()
    return [swapped[start : start + rows].tobytes() for start in range(0, bands * rows, rows)]
