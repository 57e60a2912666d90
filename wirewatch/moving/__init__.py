"""Moving a pipeline from the embedded log to a cluster, with nothing lost and nothing told twice."""

from wirewatch.moving.move import Cluster, Moved, Progress, Rebound, count_source, move, require_room

__all__ = ["Cluster", "Moved", "Progress", "Rebound", "count_source", "move", "require_room"]
