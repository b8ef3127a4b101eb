"""Plots of parameters and results with matplotlib (`storyclust[plot]`).

In: fitted estimators. Out: axes of matplotlib.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
