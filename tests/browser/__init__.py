"""Does as a reader does, in a real Chromium."""
