"""Import of signatures from datasketch's sketches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from storyclust.dedup.estimators import MinHasher
from storyclust.errors import InputTypeError
from storyclust.exchange.signatures import check_hasher, signature_of

if TYPE_CHECKING:
    from datasketch import MinHash
    from numpy.typing import NDArray


def from_datasketch(sketches: Iterable[MinHash], hasher: MinHasher | None = None) -> NDArray[np.uint32]:
    """Extract the signatures of datasketch's sketches.

    Signatures can be compared only if they were made with the same shingles and the same hash function,
    which a sketch does not record. Sketches with datasketch's default hash function, SHA-1 of bytes, can be
    compared with each other, but not with signatures of a `MinHasher`. For that, make them from the hashes
    of the `MinHasher`: ``MinHash(hashfunc=int)`` updated with ``MinHasher.shingle_hashes(text)``.

    Parameters
    ----------
    sketches : iterable of datasketch.MinHash or datasketch.LeanMinHash of length n
        All of scheme "affine32", and with the permutations of `hasher`. A `LeanMinHash` has no
        permutations; its seed is compared instead.
    hasher : MinHasher, optional
        The signatures are to be comparable with those of this hasher; by default ``MinHasher()``.

    Returns
    -------
    signatures : uint32 array of shape (n, num_perm)

    Raises
    ------
    InputError
        A sketch has another scheme, seed, length or permutations, or is not a sketch.

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
    rows = [signature_of(f"sketches[{i}]", sketch, hasher) for i, sketch in enumerate(sketches)]
    return np.array(rows, dtype=np.uint32).reshape(len(rows), hasher.num_perm)
