"""The page as text: what it says, cites and links to."""
