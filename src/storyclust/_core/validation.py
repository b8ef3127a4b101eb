"""Validation of parameters and texts."""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from storyclust.errors import InputError, InputTypeError


def check_int(name: str, value: object, *, low: int, high: int | None = None) -> int:
    """Return `value` as an int, or raise if it is not an integer in [low, high]."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise InputTypeError(f"{name} must be an int, got {value!r}.")
    number = int(value)
    if number < low or (high is not None and number > high):
        upto = f" to {high}" if high is not None else " or more"
        raise InputError(f"{name} must be {low}{upto}, got {number}.")
    return number


def check_float(name: str, value: object, *, low: float, high: float, open_low: bool = False) -> float:
    """Return `value` as a float, or raise if it is not a number in [low, high]."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise InputTypeError(f"{name} must be a number, got {value!r}.")
    try:
        number = float(value)
    except OverflowError:  # an int too large for a float
        number = math.inf if str(value)[0] != "-" else -math.inf
    if math.isnan(number) or number < low or number > high or (open_low and number == low):
        bracket = "(" if open_low else "["
        raise InputError(f"{name} must lie in {bracket}{low:g}, {high:g}], got {value!r}.")
    return number


def check_bool(name: str, value: object) -> bool:
    """Return `value` as a bool, or raise if it is not a bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputTypeError(f"{name} must be True or False, got {value!r}.")
    return bool(value)


def check_jobs(value: object) -> int | None:
    """Return `value` if it is a valid `n_jobs` of joblib: None, or any int but 0."""
    if value is None:
        return None
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value == 0:
        raise InputError(f"n_jobs must be None or an int other than 0 (-1 is every core), got {value!r}.")
    return int(value)


def check_choice(name: str, value: object, choices: Collection[str]) -> str:
    """Return `value` if it is one of `choices`, or raise an error that lists them."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}.")
    return value


def check_fitted(estimator: object, attribute: str) -> None:
    """Raise scikit-learn's error for an estimator that is not fitted, if it lacks an attribute of the fit."""
    if not hasattr(estimator, attribute):
        from sklearn.exceptions import NotFittedError

        raise NotFittedError(
            f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with appropriate "
            "arguments before using this estimator."
        )


def check_texts(texts: Iterable[str], name: str = "texts") -> Sequence[str]:
    """Return texts as a list, or raise an error that names the first entry that is not a str."""
    if isinstance(texts, (str, bytes)):
        raise InputTypeError(
            f"{name} must be a sequence of str, got one {type(texts).__name__}; wrap it in a list."
        )
    if not isinstance(texts, Iterable):
        raise InputTypeError(f"{name} must be a sequence of str, got {type(texts).__name__}.")
    texts = texts if isinstance(texts, list) else list(texts)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputTypeError(f"{name}[{row}] must be str, got {type(text).__name__}.")
    return texts
