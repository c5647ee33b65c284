"""Tests of what docs/deployment.md advises."""
