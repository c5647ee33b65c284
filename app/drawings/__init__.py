"""What only the server draws."""
