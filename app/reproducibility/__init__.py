"""What lets anybody get the same numbers again: receipts, recordings, the table of claims."""
