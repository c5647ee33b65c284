"""Where trainings run. The registry of engines is `app/engines/registry.py`."""
