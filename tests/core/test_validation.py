"""Validation of parameters and texts."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyclust._core.validation import check_choice, check_float, check_int, check_texts
from storyclust.errors import InputError, InputTypeError, StoryclustError


def message(error, check, *args, **kwargs):
    with pytest.raises(error) as caught:
        check(*args, **kwargs)
    assert isinstance(caught.value, StoryclustError)
    assert isinstance(caught.value, ValueError)
    return str(caught.value)


# Whole numbers


@pytest.mark.parametrize("value", [1, 7, np.int64(3), np.uint8(10), np.int32(1)])
def test_whole_numbers_in_range_pass_as_int(value):
    found = check_int("size", value, low=1, high=10)
    assert found == value
    assert type(found) is int


@pytest.mark.parametrize("value", [0, -1, 11, 10**30])
def test_whole_numbers_out_of_range(value):
    assert (
        message(InputError, check_int, "size", value, low=1, high=10) == f"size must be 1 to 10, got {value}."
    )


def test_whole_numbers_without_an_upper_end():
    assert check_int("size", 10**30, low=1) == 10**30
    assert message(InputError, check_int, "size", 0, low=1) == "size must be 1 or more, got 0."


@pytest.mark.parametrize(
    ("value", "shown"), [(1.0, "1.0"), ("1", "'1'"), (None, "None"), (True, "True"), ([1], "[1]"), (1j, "1j")]
)
def test_values_that_are_not_integers(value, shown):
    found = message(InputTypeError, check_int, "size", value, low=0)
    assert found == f"size must be an int, got {shown}."


def test_numpy_bools_are_not_numbers():
    message(InputTypeError, check_int, "size", np.bool_(True), low=0)
    message(InputTypeError, check_float, "share", np.bool_(True), low=0, high=1)


# Numbers


@pytest.mark.parametrize("value", [0.5, 1, np.float64(0.25), np.float32(0.5), np.int64(1), Fraction(1, 2)])
def test_numbers_in_range_pass_as_float(value):
    found = check_float("share", value, low=0, high=1, open_low=True)
    assert found == value
    assert type(found) is float


@pytest.mark.parametrize(
    "value", [0, 0.0, -0.0, -1e-300, 1.0000001, 2, float("inf"), float("-inf"), float("nan")]
)
def test_numbers_out_of_range(value):
    found = message(InputError, check_float, "share", value, low=0, high=1, open_low=True)
    assert found == f"share must lie in (0, 1], got {value}."


def test_the_lower_end_is_in_unless_it_is_open():
    assert check_float("share", 0, low=0, high=1) == 0.0
    assert message(InputError, check_float, "share", -1, low=0, high=1) == "share must lie in [0, 1], got -1."


def test_an_upper_end_of_infinity():
    assert check_float("days", 1e300, low=0, high=float("inf")) == 1e300
    assert check_float("days", float("inf"), low=0, high=float("inf")) == float("inf")


def test_a_number_too_large_for_a_float_is_out_of_range():
    assert "share must lie in [0, 1], got 1000" in message(
        InputError, check_float, "share", 10**400, low=0, high=1
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [("0.5", "'0.5'"), (None, "None"), (False, "False"), (1j, "1j"), (Decimal("0.5"), "Decimal('0.5')")],
)
def test_values_that_are_not_numbers(value, shown):
    assert message(InputTypeError, check_float, "share", value, low=0, high=1) == (
        f"share must be a number, got {shown}."
    )


@given(st.floats(), st.floats(-10, 10), st.floats(0, 10), st.booleans())
def test_a_number_passes_if_and_only_if_it_lies_in_the_range(value, low, width, open_low):
    high = low + width
    inside = low < value <= high or (value == low and not open_low)
    try:
        assert check_float("x", value, low=low, high=high, open_low=open_low) == value
        assert inside
    except InputError:
        assert not inside


# Choices


def test_choices():
    assert check_choice("keep", "first", ("first", "last")) == "first"


@pytest.mark.parametrize("value", ["First", "", None, 1, ["first"], b"first", {}])
def test_invalid_choices(value):
    found = message(InputError, check_choice, "keep", value, ("first", "last"))
    assert found == f"keep must be one of 'first', 'last', got {value!r}."


# Texts


def test_texts_come_back_as_a_list():
    texts = ["a", "", "\ud800"]
    assert check_texts(texts) is texts
    assert check_texts(tuple(texts)) == texts
    assert check_texts(text for text in texts) == texts
    assert check_texts([]) == []
    assert check_texts(np.array(["a", "b"])) == ["a", "b"]


@pytest.mark.parametrize(("texts", "kind"), [("one text", "str"), (b"one text", "bytes")])
def test_a_single_string_is_an_error(texts, kind):
    found = message(InputTypeError, check_texts, texts)
    assert found == f"texts must be a sequence of str, got one {kind}; wrap it in a list."


@pytest.mark.parametrize(("entry", "kind"), [(None, "NoneType"), (5, "int"), (b"x", "bytes"), ([], "list")])
def test_the_first_entry_that_is_not_a_text_is_named(entry, kind):
    assert message(InputTypeError, check_texts, ["a", entry, None]) == f"texts[1] must be str, got {kind}."
    assert message(InputTypeError, check_texts, [entry], "titles") == f"titles[0] must be str, got {kind}."


@pytest.mark.parametrize("texts", [None, 5, 1.5])
def test_values_that_hold_no_texts(texts):
    assert "texts must be a sequence of str, got" in message(InputTypeError, check_texts, texts)


def test_type_errors_are_input_errors_too():
    with pytest.raises(TypeError):
        check_int("size", None, low=0)
    with pytest.raises(TypeError):
        check_texts([None])
