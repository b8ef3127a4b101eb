"""MinHash signatures of texts, bit-identical to datasketch's `affine32` scheme.

Each text is read once: signature, fingerprint and shingles are computed in the same pass.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from storyclust._core.parallel import map_chunks
from storyclust._core.validation import check_int, check_texts
from storyclust.dedup.signing import HALF, Permutations, SigningOutput, shingles_of, sign_texts
from storyclust.errors import InputError
from storyclust.text.codepoints import codepoint_table
from storyclust.text.tokens import TextBuffer, text_sizes

if TYPE_CHECKING:
    from datasketch import MinHash
    from numpy.typing import NDArray


class SignedTexts(NamedTuple):
    """Result of one pass over texts."""

    signatures: NDArray[np.uint32]  # (n, num_perm)
    fingerprints: NDArray[np.uint64]  # (n, 2): equal for equal token sequences
    shingles: list[NDArray[np.uint64]]  # set of each text in turn, ascending, in parts; empty if not kept
    counts: NDArray[np.int64]  # (n,) distinct shingles of each text
    sampled: NDArray[np.uint64]  # those below the cut, of all texts in turn
    sampled_counts: NDArray[np.int64]  # (n,)


class BaseMinHasher:
    """What `MinHasher` computes, without scikit-learn, which takes long to import."""

    def __init__(
        self, num_perm: int = 128, shingle_size: int = 5, seed: int = 1, n_jobs: int | None = None
    ) -> None:
        self.num_perm = num_perm
        self.shingle_size = shingle_size
        self.seed = seed
        self.n_jobs = n_jobs

    def fit(self, X: Sequence[str] | None = None, y: object = None) -> Self:
        """Check the parameters; there is nothing to learn.

        Parameters
        ----------
        X : sequence of str, optional
            Ignored.
        y : object
            Ignored.

        Returns
        -------
        self : object
        """
        self._check()
        return self

    def transform(self, X: Sequence[str]) -> NDArray[np.uint32]:
        """Compute the signature of each text.

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

    def sign(
        self, texts: Sequence[str], *, count: bool = False, keep_shingles: bool = False, cut: Any = 0
    ) -> SignedTexts:
        """Compute signatures, fingerprints and, if wanted, the shingles of texts in one pass.

        Parameters
        ----------
        texts : sequence of str of length n
        count : bool, default=False
            Count the distinct shingles of each text.
        keep_shingles : bool, default=False
            Count them, and return the set of their hashes.
        cut : int, default=0
            Return, apart from the sets, the sample of their hashes below this value, if they are counted.

        Returns
        -------
        signed : SignedTexts
        """
        self._check()
        perms = permutations(self.num_perm, self.seed)
        signatures = np.empty((len(texts), self.num_perm), dtype=np.uint32)
        fingerprints = np.empty((len(texts), 2), dtype=np.uint64)
        counts = np.zeros((len(texts), 2), dtype=np.int64)
        table = codepoint_table()

        def work(start: int, stop: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
            buffer = TextBuffer.from_texts(texts[start:stop])
            # Words are at least one byte apart: no text has more shingles than half its bytes, rounded up.
            capacity = len(buffer.data) // 2 + stop - start + 1
            out = SigningOutput(
                signatures[start:stop],
                fingerprints[start:stop],
                counts[start:stop],
                np.empty(capacity if keep_shingles else 0, np.uint64),
                np.empty(capacity if cut else 0, np.uint64),
            )
            distinct = count or keep_shingles
            ends = sign_texts(buffer, table, self.shingle_size, perms, np.uint64(cut), distinct, out)
            for values, end in zip((out.shingles, out.sampled), ends, strict=True):
                values.resize(end, refcheck=False)  # in place
            return out.shingles, out.sampled

        parts = map_chunks(work, text_sizes(texts), self.n_jobs, "signatures")
        sampled = np.concatenate([np.empty(0, np.uint64), *(sampled for _, sampled in parts)])
        shingles = [shingles for shingles, _ in parts]
        return SignedTexts(signatures, fingerprints, shingles, counts[:, 0], sampled, counts[:, 1])

    def shingle_hashes(self, text: str) -> NDArray[np.uint32]:
        """32-bit hashes of a text's distinct shingles, sorted, as input for datasketch.

        Parameters
        ----------
        text : str

        Returns
        -------
        hashes : uint32 array of shape (n_shingles,)

        Examples
        --------
        >>> from datasketch import MinHash
        >>> from storyclust import MinHasher
        >>> hasher = MinHasher(num_perm=16)
        >>> minhash = MinHash(num_perm=16, scheme="affine32", hashfunc=int)
        >>> minhash.update_batch(hasher.shingle_hashes("one two three four five six"))
        >>> bool((minhash.hashvalues == hasher.transform(["one two three four five six"])[0]).all())
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
            A row of the array that `transform` returns.

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
        return MinHash(
            seed=self.seed,
            hashvalues=row.copy(),
            permutations=np.array(permutations(self.num_perm, self.seed)),
            scheme="affine32",
            hashfunc=int,
        )

    def _check(self) -> None:
        check_int("num_perm", self.num_perm, low=1, high=65_536)
        check_int("shingle_size", self.shingle_size, low=1, high=1_000)
        check_int("seed", self.seed, low=0, high=2**32 - 1)


@functools.lru_cache(maxsize=8)
def permutations(num_perm: int, seed: int) -> Permutations:
    """Permutations as datasketch draws them, without importing it."""
    generator = np.random.RandomState(seed)
    a = generator.randint(0, 1 << 31, num_perm, np.uint32) * np.uint32(2) + np.uint32(1)
    return Permutations(a, generator.randint(0, 1 << 32, num_perm, np.uint32))
