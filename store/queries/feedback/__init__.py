"""What came back of a mail."""
