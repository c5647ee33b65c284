"""Three servers that stream the same events to any number of readers, each in its own process."""
