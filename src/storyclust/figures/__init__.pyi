from .curves import plot_s_curve as plot_s_curve
from .similarities import plot_similarities as plot_similarities
from .timelines import plot_timeline as plot_timeline
from .trees import plot_dendrogram as plot_dendrogram
