"""The same reading on many machines: a stack goes through Ray Data into a folder of Parquet parts."""

from inkwise.cluster.run import read_on_ray

__all__ = ["read_on_ray"]
