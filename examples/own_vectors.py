"""Cluster any vectors: average linkage on a sparse graph, with the dendrogram to cut as one likes."""

from sklearn.datasets import make_blobs

import storyclust as sc

X, truth = make_blobs(n_samples=300, centers=[(5, 0), (0, 5), (-5, -5)], cluster_std=0.8, random_state=0)
model = sc.GraphAgglomerative(distance_threshold=0.5).fit(X)

print(f"{model.n_clusters_} clusters, ARI {sc.evaluate(truth.tolist(), model.labels_.tolist()).ari:.2f}")
for distance in (0.01, 0.1, 0.5):
    print(f"cut at {distance}: {model.cut(distance).max() + 1} clusters")
