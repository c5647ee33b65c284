"""Repeats numbers: receipts, recordings, stills and the table of claims."""
