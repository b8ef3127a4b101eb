"""MinHash signatures of texts, bit-identical to datasketch's `affine32` scheme.

The text is read once: tokens, shingles, signature and a fingerprint of the token sequence come out of
the same pass, and the shingles of one text never leave the processor's cache.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from storyclust._core.parallel import kernel, map_chunks
from storyclust._core.validation import check_int, check_texts
from storyclust.errors import InputError
from storyclust.text.tokens import TextBuffer, codepoint_table, mix, raw_hash, shingle, text_sizes, tokenize

if TYPE_CHECKING:
    from datasketch import MinHash
    from numpy.typing import NDArray

FMIX1 = np.uint32(0x85EBCA6B)  # the 32-bit finalizer of MurmurHash3, which affine32 applies first
FMIX2 = np.uint32(0xC2B2AE35)
HALF = np.uint64(32)


class Signed(NamedTuple):
    """What one pass over the texts leaves behind."""

    signatures: NDArray[np.uint32]  # (n, num_perm)
    fingerprints: NDArray[np.uint64]  # (n, 2): equal for equal token sequences
    shingles: list[NDArray[np.uint64]]  # of all texts in turn, unsorted, with repeats, in parts
    counts: NDArray[np.int64]  # (n,) shingles of each text
    sampled: NDArray[np.uint64]  # those below the cut, in turn
    sampled_counts: NDArray[np.int64]  # (n,)


class MinHasher(TransformerMixin, BaseEstimator):
    """MinHash signatures of texts over word shingles (Broder, 1997).

    The share of equal values in two signatures estimates the Jaccard similarity of the two sets of
    shingles, with a standard error of at most ``0.5 / sqrt(num_perm)``.

    Parameters
    ----------
    num_perm : int, default=128
        Permutations: the length of a signature. 128 puts the standard error at 0.04, enough to
        find candidates, which are then verified exactly.
    shingle_size : int, default=5
        Tokens in a shingle. Five words seldom agree by chance, and an edited word spoils only five
        shingles.
    seed : int, default=1
        Seed of the permutations, datasketch's own default. Signatures of different seeds cannot be
        compared.
    n_jobs : int or None, default=None
        Threads: None is one, -1 is every core. The result does not depend on it.

    Notes
    -----
    A text of fewer than `shingle_size` tokens is one shingle as a whole, so that only equal texts
    resemble it. A text without tokens is represented by its bytes.

    The permutations are taken from ``datasketch.MinHash(scheme="affine32")`` itself.

    References
    ----------
    A. Z. Broder, "On the resemblance and containment of documents", SEQUENCES 1997.

    Examples
    --------
    >>> import storyclust as sc
    >>> hasher = sc.MinHasher(num_perm=64)
    >>> signatures = hasher.transform(["the ministers met in Tokyo on Friday", "rain is expected"])
    >>> signatures.shape, signatures.dtype
    ((2, 64), dtype('uint32'))
    >>> hasher.to_datasketch(signatures[0]).jaccard(hasher.to_datasketch(signatures[1]))
    0.0
    """

    def __init__(
        self, num_perm: int = 128, shingle_size: int = 5, seed: int = 1, n_jobs: int | None = None
    ) -> None:
        self.num_perm = num_perm
        self.shingle_size = shingle_size
        self.seed = seed
        self.n_jobs = n_jobs

    def fit(self, X: Sequence[str] | None = None, y: object = None) -> MinHasher:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : sequence of str, optional
            Ignored.
        y : object
            Ignored.

        Returns
        -------
        self : MinHasher
        """
        self._check()
        return self

    def transform(self, X: Sequence[str]) -> NDArray[np.uint32]:
        """Sign texts.

        Parameters
        ----------
        X : sequence of str of length n

        Returns
        -------
        signatures : uint32 array of shape (n, num_perm)

        Raises
        ------
        InputError
            A parameter is out of range, or an entry of `X` is not a str.
        """
        return self.sign(check_texts(X)).signatures

    def sign(self, texts: Sequence[str], *, keep_shingles: bool = False, cut: Any = 0) -> Signed:
        """Sign texts and take the fingerprints of their token sequences, in the same pass.

        The shingles themselves are kept only if `keep_shingles` asks for them; and apart from them
        those whose hash is below `cut`.
        """
        self._check()
        a, b = permutations(self.num_perm, self.seed)
        signatures = np.empty((len(texts), self.num_perm), dtype=np.uint32)
        fingerprints = np.empty((len(texts), 2), dtype=np.uint64)
        counts = np.zeros((len(texts), 2), dtype=np.int64)
        table = codepoint_table()

        def work(start: int, stop: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
            data, offsets = TextBuffer.from_texts(texts[start:stop])
            out = signatures[start:stop], fingerprints[start:stop], counts[start:stop]
            # Words stand at least one byte apart: no text has more shingles than half its bytes, rounded up.
            room = len(data) // 2 + stop - start + 1
            shingles = np.empty(room if keep_shingles else 0, np.uint64)
            sampled = np.empty(room if cut else 0, np.uint64)
            filled = sign_texts(
                data, offsets, table, self.shingle_size, a, b, np.uint64(cut), *out, shingles, sampled
            )
            return shingles[: filled[0]].copy(), sampled[: filled[1]].copy()

        parts = map_chunks(work, text_sizes(texts), self.n_jobs, "signatures")
        sampled = np.concatenate([np.empty(0, np.uint64), *(sampled for _, sampled in parts)])
        shingles = [shingles for shingles, _ in parts]
        return Signed(signatures, fingerprints, shingles, counts[:, 0], sampled, counts[:, 1])

    def shingle_hashes(self, text: str) -> NDArray[np.uint32]:
        """32-bit hashes of a text's distinct shingles, sorted: what datasketch would be given.

        Parameters
        ----------
        text : str

        Returns
        -------
        hashes : uint32 array of shape (n_shingles,)

        Examples
        --------
        >>> from datasketch import MinHash
        >>> hasher = MinHasher(num_perm=16)
        >>> twin = MinHash(num_perm=16, scheme="affine32", hashfunc=int)
        >>> twin.update_batch(hasher.shingle_hashes("one two three four five six"))
        >>> bool((twin.hashvalues == hasher.transform(["one two three four five six"])[0]).all())
        True
        """
        self._check()
        data, offsets = TextBuffer.from_texts(check_texts([text]))
        hashes = shingles_of(data, offsets[0], offsets[1], codepoint_table(), self.shingle_size)
        return np.unique((hashes >> HALF).astype(np.uint32))

    def to_datasketch(self, row: NDArray[np.uint32]) -> MinHash:
        """Wrap one signature in a `datasketch.MinHash` of the same scheme, seed and permutations.

        Parameters
        ----------
        row : uint32 array of shape (num_perm,)
            One row of what `transform` returned.

        Returns
        -------
        minhash : datasketch.MinHash

        Raises
        ------
        InputError
            The row is not a signature of `num_perm` values.
        """
        from datasketch import MinHash

        row = np.asarray(row)
        if row.shape != (self.num_perm,) or row.dtype != np.uint32:
            raise InputError(
                f"row must be one uint32 signature of {self.num_perm} values, "
                f"got {row.dtype} of shape {row.shape}."
            )
        a, b = permutations(self.num_perm, self.seed)
        return MinHash(
            seed=self.seed,
            hashvalues=row.copy(),
            permutations=np.array([a, b]),
            scheme="affine32",
            hashfunc=int,
        )

    def _check(self) -> None:
        check_int("num_perm", self.num_perm, low=1, high=65_536)
        check_int("shingle_size", self.shingle_size, low=1, high=1_000)
        check_int("seed", self.seed, low=0, high=2**32 - 1)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


@functools.lru_cache(maxsize=8)
def permutations(num_perm: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Multipliers and addends of the permutations, as datasketch draws them."""
    from datasketch import MinHash

    a, b = MinHash(num_perm=num_perm, seed=seed, scheme="affine32").permutations
    return np.ascontiguousarray(a), np.ascontiguousarray(b)


@kernel
def sign_texts(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    table: NDArray[np.uint32],
    size: int,
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    cut: Any,
    signatures: NDArray[np.uint32],
    fingerprints: NDArray[np.uint64],
    counts: NDArray[np.int64],
    shingles: NDArray[np.uint64],
    sampled: NDArray[np.uint64],
) -> Any:
    """Sign every text of a buffer: one pass over its bytes.

    Where `shingles` and `sampled` have room, all hashes and those below `cut` are kept in them, and how
    many each text has in `counts`. Returns how far the two are filled.
    """
    room = 1
    for row in range(len(offsets) - 1):
        room = max(room, offsets[row + 1] - offsets[row])
    tokens = np.empty(room, np.uint64)
    starts = np.empty(room, np.int64)
    ends = np.empty(room, np.int64)
    hashes = np.empty(room, np.uint64)
    mixed = np.empty(room, np.uint32)
    filled, chosen = 0, 0
    for row in range(len(offsets) - 1):
        start, end = offsets[row], offsets[row + 1]
        n = tokenize(data, start, end, table, tokens, starts, ends)
        if n == 0:
            hashes[0] = raw_hash(data, start, end)
            count = 1
            tokens[0] = hashes[0]
        else:
            count = shingle(tokens, n, size, hashes)
        fingerprint(tokens, max(n, 1), fingerprints[row])
        premix(hashes, count, mixed)
        permute(mixed, count, a, b, signatures[row])
        if len(shingles) > 0:
            for k in range(count):
                shingles[filled + k] = hashes[k]
            counts[row, 0] = count
            filled += count
        if len(sampled) > 0:
            before = chosen
            for k in range(count):  # written always and kept sometimes: no branch to mispredict
                sampled[chosen] = hashes[k]
                chosen += hashes[k] < cut
            counts[row, 1] = chosen - before
    return filled, chosen


@kernel
def shingles_of(data: NDArray[np.uint8], start: Any, end: Any, table: NDArray[np.uint32], size: int) -> Any:
    """64-bit shingle hashes of one text, in order of occurrence, repeats included."""
    room = max(1, end - start)
    tokens = np.empty(room, np.uint64)
    hashes = np.empty(room, np.uint64)
    n = tokenize(data, start, end, table, tokens, np.empty(room, np.int64), np.empty(room, np.int64))
    if n == 0:
        hashes[0] = raw_hash(data, start, end)
        return hashes[:1]
    return hashes[: shingle(tokens, n, size, hashes)]


@kernel
def fingerprint(tokens: NDArray[np.uint64], n: int, out: NDArray[np.uint64]) -> None:
    """128-bit hash of a token sequence: two chains of different steps."""
    first, second = np.uint64(n), ~np.uint64(n)
    for k in range(n):
        first = (first ^ tokens[k]) * np.uint64(0x9E3779B97F4A7C15)
        first ^= first >> np.uint64(29)
        second = second * np.uint64(0xBF58476D1CE4E5B9) + tokens[k]
    out[0], out[1] = mix(first), mix(second)


@kernel
def premix(hashes: NDArray[np.uint64], n: int, mixed: NDArray[np.uint32]) -> None:
    """Upper halves of 64-bit shingle hashes, put through the finalizer that affine32 begins with."""
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
    """Minimum over all shingles of `a * h + b mod 2**32`, for every permutation.

    Eight shingles a round: each loads the permutations once for eight products, and the loop over
    permutations is what the compiler turns into vector instructions.
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
