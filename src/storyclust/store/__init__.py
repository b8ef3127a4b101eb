"""Incremental clustering: articles, copies, events and threads in one SQLite file.

In: batches of articles. Out: the event, thread and original of each, and queries: threads, events, search.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
