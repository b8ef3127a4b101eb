from .agglomerate import GraphAgglomerative as GraphAgglomerative
