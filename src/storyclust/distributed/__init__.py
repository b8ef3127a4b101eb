"""The same answers on a Ray cluster: shards of articles in, the same shards with labels out."""

from __future__ import annotations
