"""The data model: `Article`, and the conversion of records to articles.

In: strings, mappings, Articles, DataFrames. Out: `list[Article]`, every date in UTC.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
