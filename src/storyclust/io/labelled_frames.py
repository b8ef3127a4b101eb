"""Labelled articles as a table of the make that they were given as."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from storyclust.articles.article import Article
from storyclust.articles.frames import Given
from storyclust.errors import InputError
from storyclust.io.writing import labelled_record

if TYPE_CHECKING:
    import narwhals
    import numpy as np
    from numpy.typing import NDArray

    Labels = NDArray[np.generic] | list[str | None]


TEXT_FIELDS = ("id", "title", "text", "source", "lang", "url")


def labelled_frame(articles: Sequence[Article], labels: dict[str, Labels], given: Given) -> Any:
    """Table of articles with labels.

    Parameters
    ----------
    articles : sequence of Article of length n
    labels : dict of str to array of shape (n,), or list of str or None
        Columns of labels.
    given : Given
        What the articles were given as. The columns of a table stay as they are, and the ids are added
        unless it has them. A column with the name of a label is renamed to ``input_NAME``.

    Returns
    -------
    table : object
        Of the library of the input, or else of pandas or polars.

    Raises
    ------
    InputError
        The input was no table, and neither pandas nor polars is installed.

    Examples
    --------
    >>> import numpy as np
    >>> articles = [Article("Rain fell.", id="a"), Article("Snow fell.", id="b")]
    >>> frame = labelled_frame(articles, {"thread": np.array([0, 1])}, Given(articles))
    >>> frame[["id", "thread"]].values.tolist()
    [['a', 0], ['b', 1]]
    """
    import narwhals

    make = given.make or _installed()
    if given.frame is None:
        frame = _frame_of(articles, make)
    else:
        frame, labels = given.frame, _ids_missing(articles, given.frame) | labels
    renamed = labelled_record({name: name for name in frame.columns}, dict.fromkeys(labels))
    columns = [narwhals.col(old).alias(new) for new, old in renamed.items() if new not in labels]
    added = [_series(name, values, make) for name, values in labels.items()]
    table = frame.select(*columns, *added).to_native()
    return given.dataset(table) if given.dataset else table


def _ids_missing(articles: Sequence[Article], frame: narwhals.DataFrame[Any]) -> dict[str, Labels]:
    """Column of ids, unless the table has one that agrees."""
    ids: list[str | None] = [article.id for article in articles]
    if "id" in frame.columns and [str(value) for value in frame["id"].to_list()] == ids:
        return {}
    return {"id": ids}


def _installed() -> str:
    for name in ("pandas", "polars"):
        if importlib.util.find_spec(name):
            return name
    raise InputError("to_frame requires pandas or polars: python -m pip install pandas.")


def _frame_of(articles: Sequence[Article], make: Any) -> narwhals.DataFrame[Any]:
    """Table of the fields of articles."""
    import narwhals

    columns: dict[str, list[Any]] = {
        name: [_encodable(getattr(article, name)) for article in articles] for name in TEXT_FIELDS
    }
    columns["published"] = [article.published for article in articles]
    schema = dict.fromkeys(columns, narwhals.String()) | {"published": narwhals.Datetime("us", "UTC")}
    order = ("id", "title", "text", "published", "source", "lang", "url")
    return narwhals.from_dict(
        {name: columns[name] for name in order}, {name: schema[name] for name in order}, backend=make
    )


def _series(name: str, values: Labels, make: Any) -> Any:
    import narwhals

    if isinstance(values, list):
        return narwhals.new_series(name, [*map(_encodable, values)], narwhals.String(), backend=make)
    kinds = {"b": narwhals.Boolean(), "i": narwhals.Int64(), "f": narwhals.Float64()}
    return narwhals.new_series(name, values.tolist(), kinds[values.dtype.kind], backend=make)


def _encodable(value: Any) -> Any:
    """The value; lone surrogates, which no table can hold, become U+FFFD as in Parquet."""
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-8", "storyclust.replace").decode()
