"""Reading articles from files, and writing records to files.

In: paths, patterns and pipes in any format and compression. Out: articles, with a report of rejected records;
files that are written to a temporary name and renamed into place.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
