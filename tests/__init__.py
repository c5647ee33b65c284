"""The tests mirror app/; tests/browser drives a real Chromium."""
