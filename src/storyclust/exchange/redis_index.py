"""Signatures in datasketch's index on a Redis server, shared by processes."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.progress import stage
from storyclust.dedup.lsh import choose_bands
from storyclust.dedup.minhash import MinHasher
from storyclust.errors import InputError, InputTypeError, MissingExtraError, StoryclustError
from storyclust.exchange.signatures import check_hasher, check_keys, check_signatures, encoded, listing

if TYPE_CHECKING:
    from datasketch import MinHashLSH
    from numpy.typing import NDArray


FORMAT = 1  # to be raised when texts get other tokens or hashes, or the index another layout
BATCH = 1_000  # signatures a round: a few megabytes of commands
PATIENCE = 30  # seconds to wait for a server; the address may say otherwise
TAKEN = ("_keys", "_bucket_")  # what datasketch puts between the name of an index and the rest of a key
# Takes a key out of a bucket, and an empty bucket off the list of buckets. datasketch does that in two
# steps, between which another process may fill the bucket again and have it struck off all the same.
EVICT = """
redis.call('srem', KEYS[2], ARGV[2])
if redis.call('exists', KEYS[2]) == 0 then redis.call('hdel', KEYS[1], ARGV[1]) end
"""


class Shelf(NamedTuple):
    """Where an index lies, and how it is made."""

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

    Publishing a key again with the same signature changes nothing, with another one replaces it;
    other keys stay. A call that was interrupted is completed by repeating it. Several processes may
    publish into one index at a time, but not the same key.

    Parameters
    ----------
    signatures : uint32 array of shape (n, num_perm)
    keys : sequence of str of length n
        What queries shall return, as UTF-8 bytes: distinct, and none empty.
    hasher : MinHasher, optional
        What made the signatures; by default ``MinHasher()``.
    threshold : float in (0, 1], default=0.8
        Similarity from which queries shall find; bands are cut as ``choose_bands(threshold, num_perm)``
        says.
    redis : str, default="redis://localhost:6379/0"
        Address of the server: ``redis://``, ``rediss://`` (TLS) or ``unix://``, with user and password
        where it wants them.
    basename : str, default="storyclust"
        Name of the index: what its keys in Redis begin with.

    Returns
    -------
    index : datasketch.MinHashLSH
        Queried with ``index.query(hasher.to_datasketch(row))``, which returns candidates, not
        verified, as a list of bytes. Keys given to its own methods are bytes too. It holds
        connections and cannot be pickled: another process calls `open_index`.

    Raises
    ------
    InputError
        Signatures, keys or a setting cannot be used, the index has other settings, or no server
        answers.
    MissingExtraError
        The package redis is not installed.
    StoryclustError
        The server refuses.

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
    shelf = find_shelf(hasher, threshold, redis, basename)
    with answering(shelf.address), stage("publishing", len(names)) as advance:
        claim(shelf)
        index = attach(shelf)
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
        As it was published; by default ``MinHasher()``.
    threshold : float in (0, 1], default=0.8
        As it was published.
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
    MissingExtraError
        The package redis is not installed.
    StoryclustError
        The server refuses.

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
    shelf = find_shelf(check_hasher(hasher), threshold, redis, basename)
    with answering(shelf.address):
        stored = stored_settings(shelf)
    if stored is None:
        raise InputError(f"There is no index {basename!r} on Redis at {shelf.address}; publish one first.")
    check_settings(shelf, stored)
    return attach(shelf)


def find_shelf(hasher: MinHasher, threshold: float, redis: object, basename: object) -> Shelf:
    """Check what an index is known by; nothing is sent to the server yet."""
    bands = choose_bands(threshold, hasher.num_perm)
    if bands.bands < 2:
        raise InputError(
            f"threshold={threshold:g} with num_perm={hasher.num_perm} makes a single band, and datasketch "
            "wants two or more; lower the threshold."
        )
    if not isinstance(basename, str):
        raise InputTypeError(f"basename must be str, got {type(basename).__name__}.")
    if not basename or any(part in basename for part in TAKEN):
        raise InputError(f"basename must be a name without {' or '.join(TAKEN)}, got {basename!r}.")
    encoded("basename", basename)
    settings = {
        "format": FORMAT,
        "num_perm": int(hasher.num_perm),
        "seed": int(hasher.seed),
        "shingle_size": int(hasher.shingle_size),
        "threshold": float(threshold),
        "bands": bands.bands,
        "rows": bands.rows,
    }
    return Shelf(*connect(redis), basename, settings)


def connect(url: object) -> tuple[Any, str]:
    """Return a pool of connections, not opened yet, and the server's address without its password.

    Connections of a pool of one's own do not try again. They must not: a command that reached the server
    before the line broke would be carried out twice.
    """
    try:
        from redis import ConnectionPool
    except ImportError:
        raise MissingExtraError("An index on Redis", "redis") from None
    if not isinstance(url, str):
        raise InputTypeError(f"redis must be the address of a server as str, got {type(url).__name__}.")
    limits = {"socket_connect_timeout": PATIENCE, "socket_timeout": PATIENCE}
    try:
        pool: Any = ConnectionPool.from_url(url, **limits)
    except ValueError:
        shown = repr(url) if "@" not in url and "?" not in url else "one that cannot be read"
        raise InputError(
            f"redis must be an address such as 'redis://localhost:6379/0', got {shown}."
        ) from None
    known = pool.connection_kwargs
    known["decode_responses"] = False  # band values are no text, whatever the address asks for
    server = known.get("path") or f"{known.get('host', 'localhost')}:{known.get('port', 6379)}"
    return pool, f"{server}/{known.get('db', 0)}"


@contextlib.contextmanager
def answering(address: str) -> Iterator[None]:
    """Turn what the client raises into one sentence that names the server."""
    from redis.exceptions import AuthenticationError, RedisError
    from redis.exceptions import ConnectionError as NoConnection
    from redis.exceptions import TimeoutError as NoAnswer

    try:
        yield
    except RedisError as error:
        if type(error) in {NoConnection, NoAnswer}:  # those derived from them come from a server that answers
            raise InputError(
                f"No Redis server answers at {address}; start one there, or give another address."
            ) from error
        if isinstance(error, AuthenticationError) or "already authenticated" in str(error):
            raise InputError(
                f"Redis at {address} wants a password, or another one; "
                "give it in the address: redis://user:password@host:6379/0."
            ) from error
        raise StoryclustError(f"Redis at {address} refuses: {str(error).rstrip('.')}.") from error


def stored_settings(shelf: Shelf) -> object:
    """Return the settings an index was published with, None where there is no index."""
    from redis import Redis

    client: Any = Redis(connection_pool=shelf.pool)
    # In this order: settings are written before records, perhaps by another process this moment.
    filled = client.exists(f"{shelf.basename}_keys")
    stored = client.get(f"{shelf.basename}_settings")
    if stored is None:
        return {} if filled else None
    try:
        return json.loads(stored)
    except ValueError:
        return {}


def check_settings(shelf: Shelf, stored: object) -> None:
    """Raise if an index was published with other settings than those asked for."""
    where = f"Index {shelf.basename!r} on Redis at {shelf.address}"
    if not isinstance(stored, dict) or not stored.keys() >= shelf.settings.keys():
        raise InputError(f"{where} was not published by storyclust; choose another basename.")
    if wrong := [name for name in shelf.settings if stored[name] != shelf.settings[name]]:
        raise InputError(
            f"{where} was published with {listing(stored, wrong)}, not with "
            f"{listing(shelf.settings, wrong)}; use its settings, or another basename."
        )


def claim(shelf: Shelf) -> None:
    """Write down the settings of a new index; raise if it exists with others."""
    from redis import Redis

    if stored_settings(shelf) is None:
        client: Any = Redis(connection_pool=shelf.pool)
        client.set(f"{shelf.basename}_settings", json.dumps(shelf.settings), nx=True)
    check_settings(shelf, stored_settings(shelf))


def attach(shelf: Shelf) -> MinHashLSH:
    """Return datasketch's face of an index."""
    from datasketch import MinHashLSH

    index = MinHashLSH(
        num_perm=shelf.settings["num_perm"],
        params=(shelf.settings["bands"], shelf.settings["rows"]),
        storage_config={
            "type": "redis",
            "basename": shelf.basename.encode(),
            "redis": {"connection_pool": shelf.pool},  # one for all bands, instead of one each
        },
        prepickle=False,
    )
    # datasketch learns the scheme from the first insert, and refuses sketches of others from then on.
    # Told it here, an index that is only queried refuses them too.
    index._minhash_scheme = "affine32"
    return index


def publish_batch(
    index: MinHashLSH, keys: list[bytes], signatures: NDArray[np.uint32], hasher: MinHasher
) -> None:
    """Publish the signatures that the index does not have yet, or not under their key.

    A key enters its buckets first. Then, in one transaction, it leaves those of its former signature
    and its record is written, by which the next call knows it as published. So queries find it all the
    while, and wherever the line may break, a repeated call finds what is left to do.
    """
    writer = index.insertion_session(buffer_size=sys.maxsize)  # a batch is small; nothing leaves early
    stored = index.keys.getmany(*keys)
    for key, signature, old in zip(keys, signatures, stored, strict=True):
        new = band_values(signature, index.b, index.r)
        if old == new:
            continue
        if old:
            evict(index, key, old, new)
            index.keys.remove(key, buffer=True)
        writer.insert(key, hasher.to_datasketch(signature), check_duplication=False)
    # Not left to a with statement, which would write the records even where the buckets failed.
    for table in index.hashtables:
        table.empty_buffer()
    writer.close()


def evict(index: MinHashLSH, key: bytes, old: list[bytes], new: list[bytes]) -> None:
    """Take a key out of the buckets that its new signature does not share.

    A record may repeat itself, where two processes published the key at the same time.
    """
    for place, value in enumerate(old):
        band = place % index.b
        if value != new[band]:
            table = index.hashtables[band]
            index.keys._buffer.eval(EVICT, 2, table._name, table.redis_key(value), value, key)


def band_values(signature: NDArray[np.uint32], bands: int, rows: int) -> list[bytes]:
    """Bands of a signature as datasketch writes them."""
    swapped = signature.byteswap()
    return [swapped[start : start + rows].tobytes() for start in range(0, bands * rows, rows)]
