"""Sorting and selection in kernels, against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyclust._core.sorting import argsort, nth_largest, sort

TYPES = (np.int32, np.int64, np.uint64, np.float64)
numbers = st.lists(st.integers(0, 40), max_size=120)


@settings(max_examples=40)
@given(numbers, st.sampled_from(TYPES))
def test_values_are_sorted_as_numpy_sorts(numbers, dtype):
    values = np.array(numbers, dtype)
    assert argsort(values).tolist() == np.argsort(values, kind="stable").tolist()
    sort(values)
    assert values.tolist() == sorted(numbers)


@settings(max_examples=40)
@given(numbers.filter(len), st.sampled_from((np.float32, np.float64)), st.data())
def test_the_nth_largest_is_that_of_the_sorted_values(numbers, dtype, data):
    values = np.array(numbers, dtype)
    n = data.draw(st.integers(1, len(numbers)))
    assert nth_largest(values, n) == sorted(numbers, reverse=True)[n - 1]
    assert values.tolist() == numbers


@pytest.mark.parametrize("shape", ["random", "ascending", "descending", "equal", "organ pipe"])
def test_many_values(shape):
    n = 50_000
    ramp = np.arange(n, dtype=np.float64)
    values = {
        "random": np.random.default_rng(0).random(n),
        "ascending": ramp,
        "descending": ramp[::-1].copy(),
        "equal": np.ones(n),
        "organ pipe": np.minimum(ramp, n - ramp),
    }[shape]
    expected = np.sort(values)
    for rank in (1, 2, n // 2, n):
        assert nth_largest(values, rank) == expected[n - rank]
    sort(values)
    assert values.tolist() == expected.tolist()
