"""Cosines corrected for background similarity, and the tests on them that a search makes.

Some vectors are close to everything: hubs, which occur in the nearest-neighbour lists of very many others
(Radovanovic et al., 2010). A cosine is therefore measured from the larger background similarity of its two
rows; likewise, local scaling divides distances by those to a point's neighbours (Zelnik-Manor and Perona,
2004).

References
----------
M. Radovanovic, A. Nanopoulos and M. Ivanovic, "Hubs in space: popular nearest neighbors in high-dimensional
data", Journal of Machine Learning Research 11 (2010).

L. Zelnik-Manor and P. Perona, "Self-tuning spectral clustering", Advances in Neural Information Processing
Systems 17 (2004).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from storyclust._core.parallel import kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESOLUTION = 2.0**32  # similarities are multiples of 1 / RESOLUTION: sums of them are exact in any order


@kernel
def corrected_similarity(cosine: Any, floor: Any) -> Any:
    """Similarity of two rows of this cosine, the larger of whose background similarities is `floor`."""
    if floor >= 1.0:
        return 0.0
    return np.floor((cosine - floor) / (1.0 - floor) * RESOLUTION + 0.5) / RESOLUTION


@kernel
def corrected_similarities(cosines: NDArray[Any], floors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Similarities of pairs of rows, in an array of any shape; see `corrected_similarity`."""
    similarities = np.empty(cosines.shape, np.float64)
    for at in np.ndindex(cosines.shape):
        similarities[at] = corrected_similarity(cosines[at], floors[at])
    return similarities


@kernel
def is_edge(cosine: Any, floor: Any, min_similarity: float) -> Any:
    """Whether two rows are similar enough for an edge."""
    similarity = corrected_similarity(cosine, floor)
    return similarity >= min_similarity and similarity > 0.0


@kernel
def pruning_bound(floor: float, min_similarity: float, ratio: float) -> float:
    """Least partial dot product of a candidate: a share of the least cosine of an edge."""
    return ratio * (floor + (1.0 - floor) * min_similarity)
