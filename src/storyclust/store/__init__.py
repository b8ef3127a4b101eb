"""The living store: articles, their copies, events and threads in one SQLite file."""

from storyclust.store.adding import Added
from storyclust.store.asking import Change, SearchHit, StoredArticle, StoredEvent, StoredThread
from storyclust.store.store import NewsStore, Similar

__all__ = [
    "Added",
    "Change",
    "NewsStore",
    "SearchHit",
    "Similar",
    "StoredArticle",
    "StoredEvent",
    "StoredThread",
]
