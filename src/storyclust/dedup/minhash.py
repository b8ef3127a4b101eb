"""MinHash signatures of texts, bit-identical to datasketch's `affine32` scheme.

Each text is read once: signature, fingerprint and shingles are computed in the same pass.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

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
    shingles: list[NDArray[np.uint64]]  # set of each text in turn, ascending, in parts
    counts: NDArray[np.int64]  # (n,) distinct shingles of each text
    sampled: NDArray[np.uint64]  # those below the cut, of all texts in turn
    sampled_counts: NDArray[np.int64]  # (n,)


class MinHasher(TransformerMixin, BaseEstimator):
    """Compute MinHash signatures of texts over word shingles (Broder, 1997).

    The share of equal values in two signatures estimates the Jaccard similarity of the two sets of
    shingles, with a standard error of at most ``0.5 / sqrt(num_perm)``.

    Parameters
    ----------
    num_perm : int, default=128
        Number of permutations: the length of a signature. At 128 the standard error is 0.04, which is
        enough to generate candidates for exact verification.
    shingle_size : int, default=5
        Number of tokens in a shingle. Five words seldom agree by chance, and an edited word changes only
        five shingles.
    seed : int, default=1
        Seed of the permutations; 1 is also datasketch's default. Signatures of different seeds cannot be
        compared.
    n_jobs : int or None, default=None
        Number of threads: None is one, -1 is every core. The result does not depend on it.

    See Also
    --------
    Deduplicator : Find near-duplicates with these signatures.

    Notes
    -----
    A text of fewer than `shingle_size` tokens is a single shingle, so that only equal texts are similar to
    it. A text without tokens is represented by its bytes.

    The permutations are those of ``datasketch.MinHash(scheme="affine32")``.

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

    def sign(self, texts: Sequence[str], *, keep_shingles: bool = False, cut: Any = 0) -> SignedTexts:
        """Compute signatures, fingerprints and, if wanted, the shingles of texts in one pass.

        Parameters
        ----------
        texts : sequence of str of length n
        keep_shingles : bool, default=False
            Return the set of shingle hashes of each text, too.
        cut : int, default=0
            Return, apart from the sets, the sample of their hashes below this value.

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
            ends = sign_texts(buffer, table, self.shingle_size, perms, np.uint64(cut), out)
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

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


@functools.lru_cache(maxsize=8)
def permutations(num_perm: int, seed: int) -> Permutations:
    """Permutations as datasketch draws them."""
    from datasketch import MinHash

    a, b = MinHash(num_perm=num_perm, seed=seed, scheme="affine32").permutations
    return Permutations(np.ascontiguousarray(a), np.ascontiguousarray(b))
