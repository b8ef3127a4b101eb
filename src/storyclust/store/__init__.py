"""The living store: articles, copies, events and threads in one SQLite file that grows.

In: batches of articles. Out: what became of each, and answers from the file: threads, events, search.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
