"""Signatures exchanged with datasketch: out of its sketches, and into its index on Redis.

The index is a plain `datasketch.MinHashLSH`, which any process can query. Beside its own keys lies one
of ours that records how the signatures were made: hash values do not tell, and an index opened with other
settings would answer wrongly without a word.

Nothing is pickled. datasketch would pickle keys on their way into Redis and unpickle what it finds there,
so that whoever can write to the server could run code in every process that queries it. Here keys are
UTF-8 bytes, and what comes back is only bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from storyclust.dedup.minhash import MinHasher
from storyclust.errors import InputTypeError
from storyclust.exchange.signatures import check_hasher, row_of

if TYPE_CHECKING:
    from datasketch import MinHash
    from numpy.typing import NDArray


def from_datasketch(sketches: Iterable[MinHash], hasher: MinHasher | None = None) -> NDArray[np.uint32]:
    """Take signatures out of datasketch's sketches.

    Equal values mean equal shingles only where shingles and their hash function were equal too, and
    a sketch does not tell. Sketches that datasketch made with its default, SHA-1 of bytes, can be
    compared among themselves, but not with the signatures of a `MinHasher`, unless they were given
    its hashes: ``MinHash(hashfunc=int)`` updated with ``MinHasher.shingle_hashes(text)``.

    Parameters
    ----------
    sketches : iterable of datasketch.MinHash or datasketch.LeanMinHash of length n
        All of scheme "affine32", and of the permutations of `hasher`. A `LeanMinHash` holds no
        permutations; its seed stands for them.
    hasher : MinHasher, optional
        Whose signatures these are to be like; by default ``MinHasher()``.

    Returns
    -------
    signatures : uint32 array of shape (n, num_perm)

    Raises
    ------
    InputError
        A sketch is of another scheme, seed, length or permutations, or is none.

    Examples
    --------
    >>> from datasketch import MinHash
    >>> from storyclust import MinHasher
    >>> from storyclust.exchange import from_datasketch
    >>> hasher, text = MinHasher(num_perm=16), "the ministers met in Tokyo on Friday"
    >>> sketch = MinHash(num_perm=16, seed=1, scheme="affine32", hashfunc=int)
    >>> sketch.update_batch(hasher.shingle_hashes(text))
    >>> bool((from_datasketch([sketch], hasher) == hasher.transform([text])).all())
    True
    """
    from datasketch import MinHash

    hasher = check_hasher(hasher)
    if isinstance(sketches, MinHash):
        name = type(sketches).__name__
        raise InputTypeError(
            f"sketches must be a sequence of datasketch sketches, got one {name}; wrap it in a list."
        )
    rows = [row_of(f"sketches[{i}]", sketch, hasher) for i, sketch in enumerate(sketches)]
    return np.array(rows, dtype=np.uint32).reshape(len(rows), hasher.num_perm)
