"""Clustering metrics, and the choice of parameters.

In: gold labels and predicted ones, or articles. Out: scores; recommended settings, with the reasons.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
