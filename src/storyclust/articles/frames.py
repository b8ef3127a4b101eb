"""Tables of articles: DataFrames of any make, Arrow tables and Hugging Face datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import TYPE_CHECKING, Any, NamedTuple

from storyclust.articles.article import Article
from storyclust.errors import InputError

if TYPE_CHECKING:
    import narwhals


class Given(NamedTuple):
    """What articles were given as, so that results can be returned in the same way.

    Attributes
    ----------
    data : object
        The articles: of a LazyFrame those collected, of a dataset its Arrow table.
    frame : narwhals.DataFrame or None
        The same, if it is a table.
    make : narwhals.Implementation or None
        Library of a table or series.
    dataset : type or None
        Class of a Hugging Face dataset.
    """

    data: Any
    frame: narwhals.DataFrame[Any] | None = None
    make: Any = None
    dataset: type | None = None

    @classmethod
    def of(cls, data: Any) -> Given:
        """Recognise tables and series.

        Raises
        ------
        InputError
            A table cannot be read, for example one with several columns of one name.

        Examples
        --------
        >>> import pandas as pd
        >>> Given.of(pd.DataFrame({"text": ["Rain fell."]})).make.name
        'PANDAS'
        >>> Given.of(["Rain fell."]).make is None
        True
        """
        if isinstance(data, (list, tuple, str, bytes, Mapping, Article, Iterator)):
            return cls(data)
        import narwhals

        dataset = None
        if hasattr(data, "with_format") and hasattr(data, "data"):
            # A Hugging Face dataset: only rows that it selects, in their order, and no Python objects yet.
            dataset, data = type(data), data.with_format("arrow")[:]
        try:
            frame = narwhals.from_native(data, pass_through=True, allow_series=True)
        except narwhals.exceptions.NarwhalsError as error:
            raise InputError(f"this DataFrame cannot be read: {' '.join(str(error).split())}.") from error
        if isinstance(frame, narwhals.LazyFrame):
            frame = frame.collect()
        if isinstance(frame, narwhals.DataFrame):
            return cls(frame, frame, frame.implementation, dataset)
        return cls(frame, make=frame.implementation if isinstance(frame, narwhals.Series) else None)


def is_stream(data: object) -> bool:
    """Whether data is read once or has no length, as an iterator or a streaming dataset.

    Examples
    --------
    >>> is_stream(iter(["Rain fell."])), is_stream(["Rain fell."])
    (True, False)
    """
    if isinstance(data, Iterator):
        return True
    # A LazyFrame has no length either, but is collected.
    return isinstance(data, Iterable) and not isinstance(data, Sized) and not hasattr(data, "collect")
