"""What the server must survive: a test for each row of docs/failures.md, over loopback."""
