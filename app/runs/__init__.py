"""A run's life, from the request to its receipt."""
