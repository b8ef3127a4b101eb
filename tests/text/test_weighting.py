"""Term weights, against the formulas written out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyclust import Background, InputError
from storyclust.text.weighting import (
    ENTRY_BYTES,
    Entries,
    idf_by_language,
    inverse_document_frequencies,
    tfidf_rows,
    unit_factors,
)

squares = st.floats(0, 1e4).map(lambda value: value if value > 1e-6 else 0.0)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1)), max_size=8),
    st.floats(50, 1e6),
    st.sampled_from([0.0, 50.0]),
    st.sampled_from([1.0, 7.0, 300.0, math.inf]),
)
def test_idf_follows_the_formula(terms, n, worth, max_ratio):
    df, rates = (np.array(column) for column in zip(*terms, strict=True)) if terms else (np.zeros(0),) * 2
    idf = inverse_document_frequencies(df, n, rates, worth, max_ratio)
    for value, (count, rate) in zip(idf, terms, strict=True):
        wanted = math.log((n + worth) / max(count + worth * rate, 1e-9))
        assert value == pytest.approx(min(max(wanted, 0.0), math.log(max_ratio)))


def test_each_language_has_its_own_counts_and_only_its_own_background():
    terms = np.array([2, 4, 6], np.uint64)
    background = Background("en", terms[1:], np.array([0.5, 0.02]), 50.0)
    df, sizes = np.array([[1, 2, 0], [3, 3, 3]]), np.array([4, 9])
    idf = idf_by_language(background, ["de", "en"], terms, df, sizes, 300.0)
    assert idf[0] == pytest.approx([math.log(54 / 1), math.log(54 / 2), math.log(300)])
    assert idf[1] == pytest.approx([math.log(59 / 3), math.log(59 / 28), math.log(59 / 4)])


@given(squares, squares, st.sampled_from([0.0, 0.4, 4.0]))
def test_factors_give_unit_length(head, body, head_weight):
    of_head, of_body = unit_factors(head + body, head, body, head_weight)
    length = of_head**2 * head + of_body**2 * body
    assert length == pytest.approx(1.0 if head + body else 0.0)
    assert of_head >= of_body >= 0


def test_the_head_weighs_as_much_as_asked_for():
    whole, head = 25.0, 9.0
    of_head, of_body = unit_factors(whole, head, whole - head, 0.4)
    assert of_head / of_body == pytest.approx((1 / 5 + 0.4 / 3) / (1 / 5))


ENTRIES = Entries(
    np.array([0, 3, 3, 5]), np.array([0, 2, -1, 1, 2], np.int32), np.array([True, False, True, False, False])
)
IDF = np.array([[3.0, 1.0, 4.0], [0.0, 0.0, 2.0]])


def test_rows_have_no_terms_without_weight_or_outside_the_vocabulary():
    rows = tfidf_rows(ENTRIES, np.array([0, 0, 1]), IDF, head_weight=0.0)
    assert rows.indptr.tolist() == [0, 2, 2, 3]
    assert rows.indices.tolist() == [0, 2, 2]
    assert rows.data.tolist() == pytest.approx([0.6, 0.8, 1.0])
    assert (rows.indices.dtype, rows.data.dtype) == (np.int32, np.float32)


def test_rows_over_the_limit_are_an_error():
    groups = np.array([0, 0, 1])
    assert len(tfidf_rows(ENTRIES, groups, IDF, 0.4, limit=3 * ENTRY_BYTES).data) == 3
    with pytest.raises(InputError, match="The vectors of 3 articles take 78 bytes, but memory_limit is 77"):
        tfidf_rows(ENTRIES, groups, IDF, 0.4, limit=3 * ENTRY_BYTES - 1)
