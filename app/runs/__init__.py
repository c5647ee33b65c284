"""The life of a run, from the reader's request to the receipt."""
