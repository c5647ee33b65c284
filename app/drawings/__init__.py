"""Drawings that the server computes and templates turn into SVG and tables."""
