"""Tests of bench: that what it counts is what came."""
