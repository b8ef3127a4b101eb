"""Signatures against datasketch, and the estimator against the rules of scikit-learn."""

import pickle

import datasketch
import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

import storyclust as sc
from storyclust._core import parallel
from storyclust.dedup.estimators import MinHasher
from storyclust.errors import InputError, InputTypeError

TEXTS = [
    "The harbour ferry struck the pier on Monday morning and nobody was hurt, police said.",
    "",
    "!!!",
    "one two",
    "東京都の川上外務大臣はインドのジャイシャンカル外相と会談した。",
    "\ud800\udfff",
    "नई दिल्ली में तीसरी टू प्लस टू बैठक हुई",
    *(" ".join(reference.news(np.random.default_rng(seed), 40 * seed)) for seed in range(1, 30)),
]


def by_datasketch(hasher, text):
    """Sign one text's shingle hashes with datasketch itself."""
    minhash = datasketch.MinHash(hasher.num_perm, hasher.seed, scheme="affine32", hashfunc=int)
    for number in hasher.shingle_hashes(text).tolist():
        minhash.update(number)
    return minhash


# Parity with datasketch


@settings(max_examples=40)
@given(
    st.lists(reference.texts(), max_size=4),
    st.sampled_from([1, 7, 16, 128, 200]),
    st.sampled_from([0, 1, 42, 2**32 - 1]),
    st.sampled_from([1, 2, 3, 5, 9]),
)
def test_signatures_are_those_of_datasketch(texts, num_perm, seed, size):
    hasher = MinHasher(num_perm, size, seed)
    signatures = hasher.transform(texts)
    assert signatures.dtype == np.uint32
    assert signatures.shape == (len(texts), num_perm)
    for row, text in enumerate(texts):
        assert (signatures[row] == by_datasketch(hasher, text).hashvalues).all()


@pytest.mark.parametrize("n_words", [*range(1, 24), 100, 999])
def test_signatures_are_those_of_datasketch_whatever_the_number_of_shingles(n_words):
    hasher = MinHasher(num_perm=64)
    text = " ".join(f"w{k}" for k in range(n_words))
    assert (hasher.transform([text])[0] == by_datasketch(hasher, text).hashvalues).all()


@settings(max_examples=50)
@given(reference.texts(), st.sampled_from([1, 2, 5]))
def test_there_is_a_hash_for_every_distinct_shingle(text, size):
    hashes = MinHasher(shingle_size=size).shingle_hashes(text)
    assert hashes.dtype == np.uint32
    assert len(hashes) == len(reference.shingles(text, size))
    assert (np.diff(hashes.astype(np.int64)) > 0).all()


@settings(max_examples=50)
@given(reference.texts(), reference.texts(), st.sampled_from([1, 2, 5]))
def test_texts_share_as_many_hashes_as_shingles(text, other, size):
    hasher = MinHasher(shingle_size=size)
    shared = np.intersect1d(hasher.shingle_hashes(text), hasher.shingle_hashes(other))
    assert len(shared) == len(reference.shingles(text, size) & reference.shingles(other, size))


def test_a_signature_becomes_a_minhash_of_datasketch():
    hasher = MinHasher(num_perm=128, shingle_size=2, seed=3)
    words = [f"w{k}" for k in range(100)]
    signatures = hasher.transform([" ".join(words), " ".join(words[:80])])
    first, second = (hasher.to_datasketch(row) for row in signatures)
    assert (first.hashvalues == signatures[0]).all()
    assert (first.scheme, first.seed, len(first)) == ("affine32", 3, 128)
    assert first.jaccard(second) == np.mean(signatures[0] == signatures[1])
    assert first.jaccard(second) == pytest.approx(0.8, abs=0.15)
    assert first == by_datasketch(hasher, " ".join(words))


def test_a_minhash_of_datasketch_can_be_updated_without_touching_the_signature():
    hasher = MinHasher(num_perm=32)
    signatures = hasher.transform(["one two three four five six"])
    before = signatures.copy()
    minhash = hasher.to_datasketch(signatures[0])
    minhash.update_batch(hasher.shingle_hashes("six seven eight nine ten eleven"))
    minhash.update(12345)
    assert (signatures == before).all()
    assert (minhash.hashvalues <= before[0]).all()
    twin = by_datasketch(hasher, "one two three four five six")
    twin.merge(by_datasketch(hasher, "six seven eight nine ten eleven"))
    twin.update(12345)
    assert minhash == twin


def test_permutations_are_not_shared_with_the_minhash_given_out():
    hasher = MinHasher(num_perm=8)
    before = hasher.transform(["a b c"])
    hasher.to_datasketch(before[0]).permutations[:] = 1
    assert (hasher.transform(["a b c"]) == before).all()


@pytest.mark.parametrize(
    "row",
    [
        np.zeros(15, np.uint32),
        np.zeros((1, 16), np.uint32),
        np.zeros(16, np.uint64),
        np.zeros(16),
        [0] * 16,
        np.uint32(3),
    ],
)
def test_what_is_no_signature_is_not_wrapped(row):
    with pytest.raises(InputError, match="row must be one uint32 signature of 16 values, got"):
        MinHasher(num_perm=16).to_datasketch(row)


def test_the_estimate_is_within_its_error():
    rng = np.random.default_rng(7)
    hasher = MinHasher(num_perm=128)
    errors = []
    for _ in range(100):
        article = reference.news(rng, 150)
        pair = [" ".join(article), " ".join(reference.edited(rng, article, 3))]
        exact = reference.jaccard(*(reference.shingles(text, 5) for text in pair))
        first, second = hasher.transform(pair)
        errors.append(np.mean(first == second) - exact)
    assert abs(np.mean(errors)) < 0.01
    assert np.std(errors) < 0.5 / np.sqrt(128)


# Fingerprints


@settings(max_examples=40)
@given(st.lists(reference.texts(4), min_size=2, max_size=8))
def test_fingerprints_are_equal_for_equal_token_sequences(texts):
    texts += [text.upper() for text in texts]
    fingerprints = MinHasher(num_perm=1).sign(texts).fingerprints
    assert fingerprints.shape == (len(texts), 2)
    named = [tuple(reference.words(text)) or reference.shingle_list(text, 5)[0] for text in texts]
    rows = [tuple(row) for row in fingerprints.tolist()]
    assert reference.first_appearance(rows) == reference.first_appearance(named)


def test_repeated_words_change_the_fingerprint_but_not_the_signature():
    signed = MinHasher(num_perm=16).sign(["a a a a a a", "a a a a a a a"])
    assert (signed.signatures[0] == signed.signatures[1]).all()
    assert (signed.fingerprints[0] != signed.fingerprints[1]).any()


# The contract of scikit-learn


def test_parameters_can_be_read_set_and_cloned():
    hasher = MinHasher(num_perm=16, shingle_size=3, seed=9, n_jobs=2)
    params = {"num_perm": 16, "shingle_size": 3, "seed": 9, "n_jobs": 2}
    assert hasher.get_params() == params
    assert clone(hasher).get_params() == params
    assert clone(hasher) is not hasher
    assert hasher.set_params(num_perm=4).transform(["a"]).shape == (1, 4)
    with pytest.raises(ValueError, match="perms"):
        hasher.set_params(perms=4)
    assert MinHasher().get_params() == {"num_perm": 128, "shingle_size": 5, "seed": 1, "n_jobs": None}
    assert sc.MinHasher is MinHasher


def test_construction_checks_nothing_and_fit_returns_self():
    MinHasher(num_perm=0)
    hasher = MinHasher()
    assert hasher.fit() is hasher
    assert hasher.fit(["a"]) is hasher
    assert hasher.fit(["a"], [1]) is hasher
    check_is_fitted(hasher)
    check_is_fitted(MinHasher())


def test_a_pickled_hasher_signs_alike():
    hasher = MinHasher(num_perm=16, seed=5).fit()
    again = pickle.loads(pickle.dumps(hasher))  # noqa: S301
    assert again.get_params() == hasher.get_params()
    assert (again.transform(TEXTS) == hasher.transform(TEXTS)).all()


def test_fit_transform_and_pipelines():
    expected = MinHasher(num_perm=16).transform(TEXTS)
    assert (MinHasher(num_perm=16).fit_transform(TEXTS) == expected).all()
    assert (make_pipeline(MinHasher(num_perm=16)).fit_transform(TEXTS) == expected).all()


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
@pytest.mark.parametrize("chunk_bytes", [1, 100, 5000])
def test_neither_threads_nor_chunks_matter(n_jobs, chunk_bytes, monkeypatch):
    expected = MinHasher(num_perm=16).sign(TEXTS)
    monkeypatch.setattr(parallel, "CHUNK_BYTES", chunk_bytes)
    found = MinHasher(num_perm=16, n_jobs=n_jobs).sign(TEXTS)
    assert (found.signatures == expected.signatures).all()
    assert (found.fingerprints == expected.fingerprints).all()


def test_texts_may_come_in_any_sequence():
    expected = MinHasher(num_perm=16).transform(["a b", "c"])
    for texts in [("a b", "c"), np.array(["a b", "c"]), iter(["a b", "c"])]:
        assert (MinHasher(num_perm=16).transform(texts) == expected).all()
    assert MinHasher(num_perm=16).transform([]).shape == (0, 16)


# Errors


def test_one_text_is_no_sequence_of_texts():
    with pytest.raises(
        InputTypeError, match="texts must be a sequence of str, got one str; wrap it in a list"
    ):
        MinHasher().transform("one text")
    with pytest.raises(InputTypeError, match="got one bytes"):
        MinHasher().transform(b"one text")


@pytest.mark.parametrize(
    ("entry", "kind"), [(None, "NoneType"), (1.5, "float"), (b"x", "bytes"), (["x"], "list")]
)
def test_an_entry_that_is_no_text_is_named(entry, kind):
    with pytest.raises(InputTypeError, match=rf"texts\[3\] must be str, got {kind}\."):
        MinHasher().transform(["a", "b", "c", entry])


@pytest.mark.parametrize("texts", [None, 5])
def test_what_is_no_sequence_at_all_is_refused_in_a_sentence(texts):
    with pytest.raises(InputTypeError, match="texts must be a sequence of str, got"):
        MinHasher().transform(texts)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"num_perm": 0}, InputError, "num_perm must be 1 to 65536, got 0."),
        ({"num_perm": 65_537}, InputError, "num_perm must be 1 to 65536, got 65537."),
        ({"num_perm": 128.0}, InputTypeError, "num_perm must be an int, got 128.0."),
        ({"num_perm": True}, InputTypeError, "num_perm must be an int, got True."),
        ({"shingle_size": 0}, InputError, "shingle_size must be 1 to 1000, got 0."),
        ({"shingle_size": "5"}, InputTypeError, "shingle_size must be an int, got '5'."),
        ({"seed": -1}, InputError, "seed must be 0 to 4294967295, got -1."),
        ({"seed": None}, InputTypeError, "seed must be an int, got None."),
    ],
)
def test_a_parameter_out_of_range_is_named_with_its_value(params, error, message):
    for call in (MinHasher(**params).fit, lambda: MinHasher(**params).transform(["a"])):
        with pytest.raises(error) as caught:
            call()
        assert str(caught.value) == message


@pytest.mark.parametrize("n_jobs", [0, "two", 2.5, True])
def test_a_number_of_threads_that_is_none_is_refused_by_name(n_jobs):
    with pytest.raises(InputError, match=rf"n_jobs .*{n_jobs!r}"):
        MinHasher(num_perm=4, n_jobs=n_jobs).transform(["a"])


def test_numpy_integers_are_integers():
    hasher = MinHasher(np.int64(16), np.int32(5), np.uint32(1))
    assert (hasher.transform(TEXTS[:3]) == MinHasher(16).transform(TEXTS[:3])).all()
