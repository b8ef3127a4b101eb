"""The similarity graph, and average linkage on it.

In: a sparse matrix of unit rows. Out: a sparse graph of similarities, merges, labels, dendrograms, medoids.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
