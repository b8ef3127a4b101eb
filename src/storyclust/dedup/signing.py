"""Kernels that sign texts: tokens, shingles, MinHash signature and fingerprint in one pass over the bytes.

The shingles of a text are hashed and permuted while they are in the processor's cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from storyclust._core.parallel import kernel
from storyclust.text.sorted_hashes import SORT_HEADS, drop_repeats, sort_hashes
from storyclust.text.tokens import TextBuffer, mix, raw_hash, shingle, tokenize

if TYPE_CHECKING:
    from numpy.typing import NDArray

FMIX1 = np.uint32(0x85EBCA6B)  # the 32-bit finalizer of MurmurHash3, which affine32 applies first
FMIX2 = np.uint32(0xC2B2AE35)
HALF = np.uint64(32)


class Permutations(NamedTuple):
    """Permutations ``a * h + b mod 2**32`` of 32-bit hashes."""

    a: NDArray[np.uint32]  # (num_perm,)
    b: NDArray[np.uint32]  # (num_perm,)


class SigningOutput(NamedTuple):
    """Arrays that `sign_texts` fills for `n` texts. Shingles are returned only where arrays are not empty."""

    signatures: NDArray[np.uint32]  # (n, num_perm)
    fingerprints: NDArray[np.uint64]  # (n, 2)
    counts: NDArray[np.int64]  # (n, 2): distinct shingles of each text, and those sampled
    shingles: NDArray[np.uint64]  # of each text, ascending
    sampled: NDArray[np.uint64]


@kernel
def sign_texts(
    buffer: TextBuffer,
    table: NDArray[np.uint32],
    size: int,
    perms: Permutations,
    cut: Any,
    distinct: bool,
    out: SigningOutput,
) -> Any:
    """Sign every text of a buffer in one pass over its bytes.

    Parameters
    ----------
    buffer : TextBuffer
    table : uint32 array
        As `codepoint_table` returns it.
    size : int
        Tokens in a shingle.
    perms : Permutations
    cut : uint64
        Hashes below it are sampled: the first of each text, as its shingles are sorted.
    distinct : bool
        Sort the shingles of each text, and count the distinct ones; else there are no other outputs than
        signatures and fingerprints.
    out : SigningOutput

    Returns
    -------
    n_shingles, n_sampled : int
        Filled lengths of `out.shingles` and `out.sampled`.
    """
    data, offsets = buffer.data, buffer.offsets
    capacity = 1
    for row in range(len(offsets) - 1):
        capacity = max(capacity, offsets[row + 1] - offsets[row])
    tokens = np.empty(capacity, np.uint64)
    starts = np.empty(capacity, np.int64)
    ends = np.empty(capacity, np.int64)
    hashes = np.empty(capacity, np.uint64)
    mixed = np.empty(capacity, np.uint32)
    keep, sample = len(out.shingles) > 0, len(out.sampled) > 0
    ordered = np.empty(capacity if distinct and not keep else 0, np.uint64)
    heads = np.empty(SORT_HEADS if distinct else 0, np.int64)
    n_shingles, n_sampled = 0, 0
    for row in range(len(offsets) - 1):
        start, end = offsets[row], offsets[row + 1]
        n = tokenize(data, start, end, table, tokens, starts, ends)
        if n == 0:
            hashes[0] = raw_hash(data, start, end)
            count = 1
            tokens[0] = hashes[0]
        else:
            count = shingle(tokens, n, size, hashes)
        fingerprint(tokens, max(n, 1), out.fingerprints[row])
        own = hashes
        if distinct:
            own = out.shingles[n_shingles:] if keep else ordered
            sort_hashes(hashes, count, own, heads)
            count = drop_repeats(own, count)
            out.counts[row, 0] = count
            n_shingles += count if keep else 0
        if distinct and sample:
            below = 0
            while below < count and own[below] < cut:
                out.sampled[n_sampled + below] = own[below]
                below += 1
            out.counts[row, 1] = below
            n_sampled += below
        premix(own, count, mixed)
        permute(mixed, count, perms.a, perms.b, out.signatures[row])
    return n_shingles, n_sampled


@kernel
def shingles_of(data: NDArray[np.uint8], start: Any, end: Any, table: NDArray[np.uint32], size: int) -> Any:
    """64-bit shingle hashes of the text ``data[start:end]``, in order of occurrence, repeats included."""
    capacity = max(1, end - start)
    tokens = np.empty(capacity, np.uint64)
    hashes = np.empty(capacity, np.uint64)
    n = tokenize(data, start, end, table, tokens, np.empty(capacity, np.int64), np.empty(capacity, np.int64))
    if n == 0:
        hashes[0] = raw_hash(data, start, end)
        return hashes[:1]
    return hashes[: shingle(tokens, n, size, hashes)]


@kernel
def fingerprint(tokens: NDArray[np.uint64], n: int, out: NDArray[np.uint64]) -> None:
    """128-bit hash of a token sequence: two 64-bit chains of different steps."""
    first, second = np.uint64(n), ~np.uint64(n)
    for k in range(n):
        first = (first ^ tokens[k]) * np.uint64(0x9E3779B97F4A7C15)
        first ^= first >> np.uint64(29)
        second = second * np.uint64(0xBF58476D1CE4E5B9) + tokens[k]
    out[0], out[1] = mix(first), mix(second)


@kernel
def premix(hashes: NDArray[np.uint64], n: int, mixed: NDArray[np.uint32]) -> None:
    """Apply the finalizer that affine32 begins with to the upper halves of 64-bit shingle hashes."""
    for k in range(n):
        h = np.uint32(hashes[k] >> HALF)
        h ^= h >> np.uint32(16)
        h = np.uint32(h * FMIX1)
        h ^= h >> np.uint32(13)
        h = np.uint32(h * FMIX2)
        mixed[k] = h ^ (h >> np.uint32(16))


@kernel
def permute(
    mixed: NDArray[np.uint32], n: int, a: NDArray[np.uint32], b: NDArray[np.uint32], out: NDArray[np.uint32]
) -> None:
    """Minimum of `a * h + b mod 2**32` over all shingles, for every permutation.

    Each round takes eight shingles, so that permutations are loaded once for eight products. The compiler
    vectorizes the loop over permutations.

    Parameters
    ----------
    mixed : uint32 array
        Hashes of `premix`, of which the first `n` count.
    n : int
    a, b : uint32 arrays of shape (num_perm,)
        See `Permutations`.
    out : uint32 array of shape (num_perm,)
        The signature.
    """
    out[:] = np.uint32(0xFFFFFFFF)
    k = 0
    while k + 8 <= n:
        x0, x1, x2, x3 = mixed[k], mixed[k + 1], mixed[k + 2], mixed[k + 3]
        x4, x5, x6, x7 = mixed[k + 4], mixed[k + 5], mixed[k + 6], mixed[k + 7]
        for p in range(len(a)):
            m, c = a[p], b[p]
            low = min(
                min(np.uint32(m * x0 + c), np.uint32(m * x1 + c)),
                min(np.uint32(m * x2 + c), np.uint32(m * x3 + c)),
            )
            high = min(
                min(np.uint32(m * x4 + c), np.uint32(m * x5 + c)),
                min(np.uint32(m * x6 + c), np.uint32(m * x7 + c)),
            )
            out[p] = min(out[p], min(low, high))
        k += 8
    while k < n:
        for p in range(len(a)):
            out[p] = min(out[p], np.uint32(a[p] * mixed[k] + b[p]))
        k += 1
