"""The same answers on a Ray cluster: shards of articles in, the same shards with labels out.

What the rooms hold, each knowing only those above it:

========== ======================================================================================
files      files that every worker can reach, and arrays in them
shards     the files that articles come in, and the same files with labels
sketching  one shard to arrays
pairing    copies among shards
corpus     the articles of all shards as one corpus
stages     running stages: who runs them, what they write, how work is cut
copies     copies, stage by stage
counting   terms: from counts of shards to weights
blocks     the similarity graph by blocks of rows
linkage    average linkage, level by level
vectoring  from shards to blocks of vectors, stage by stage
comparing  from blocks to edges of the graph
linking    from edges to clusters
telling    events and threads
labelling  labels back to the shards
engine     Ray
pipeline   the whole way
command    the command line's way to it
========== ======================================================================================
"""

from __future__ import annotations

from storyclust.distributed.pipeline import Report, run
from storyclust.distributed.telling import StorySettings

__all__ = ["Report", "StorySettings", "run"]
