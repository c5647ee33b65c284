"""Engines, which run trainings in other processes, threads or on a cluster (see `registry.py`)."""
