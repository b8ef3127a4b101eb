"""Checks of sketches, signatures and keys before they are exchanged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.validation import check_texts
from storyclust.dedup.estimators import MinHasher
from storyclust.dedup.minhash import permutations
from storyclust.errors import InputError, InputTypeError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_hasher(hasher: object) -> MinHasher:
    """Return a hasher with valid parameters, the default one for None."""
    if hasher is None:
        return MinHasher()
    if not isinstance(hasher, MinHasher):
        raise InputTypeError(f"hasher must be a MinHasher, got {type(hasher).__name__}.")
    return hasher.fit()


def signature_of(name: str, sketch: object, hasher: MinHasher) -> NDArray[np.uint32]:
    """Return the hash values of a sketch, or raise if its settings are not those of the hasher."""
    from datasketch import MinHash

    if not isinstance(sketch, MinHash):
        raise InputTypeError(
            f"{name} must be a datasketch.MinHash or LeanMinHash, got {type(sketch).__name__}."
        )
    wanted = {"scheme": "affine32", "seed": hasher.seed, "num_perm": hasher.num_perm}
    has = {"scheme": sketch.scheme, "seed": sketch.seed, "num_perm": len(sketch)}
    if wrong := [setting for setting in wanted if has[setting] != wanted[setting]]:
        raise InputError(
            f"{name} has {format_settings(has, wrong)}, but {format_settings(wanted, wrong)} is wanted."
        )
    own = getattr(sketch, "permutations", None)
    if own is not None and not np.array_equal(own, permutations(hasher.num_perm, hasher.seed)):
        raise InputError(
            f"{name} has permutations of its own, but those that datasketch draws from "
            f"seed={hasher.seed} are wanted."
        )
    values: NDArray[np.uint32] = sketch.hashvalues
    return values


def format_settings(settings: dict[str, Any], names: list[str]) -> str:
    """Format the named settings for a message."""
    return ", ".join(f"{name}={settings[name]!r}" for name in names)


def check_signatures(signatures: object, num_perm: int) -> NDArray[np.uint32]:
    """Return signatures as an array, or raise if they are not what `MinHasher.transform` returns."""
    array = np.asarray(signatures)
    if array.dtype != np.uint32 or array.ndim != 2 or array.shape[1] != num_perm:
        raise InputError(
            f"signatures must be a uint32 array of shape (n, {num_perm}), "
            f"got {array.dtype} of shape {array.shape}."
        )
    return array


def check_keys(keys: Sequence[str], n: int) -> list[bytes]:
    """Return keys as UTF-8, or raise for the first that is empty, repeated or cannot be encoded."""
    keys = check_texts(keys, "keys")
    if len(keys) != n:
        raise InputError(f"keys must be as many as signatures, got {len(keys)} for {n}.")
    rows: dict[str, int] = {}
    for row, key in enumerate(keys):
        if not key:  # its record would have the name of the list of records
            raise InputError(f"keys[{row}] must not be empty.")
        if rows.setdefault(key, row) != row:
            raise InputError(f"keys[{row}] repeats keys[{rows[key]}]: {key!r}.")
    return [encode_utf8(f"keys[{row}]", key) for row, key in enumerate(keys)]


def encode_utf8(name: str, value: str) -> bytes:
    """Return a str as UTF-8, or raise if it has lone surrogates."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise InputError(f"{name} cannot be written in UTF-8: {value!r}.") from None
