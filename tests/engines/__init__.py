"""Tests of app/engines."""
