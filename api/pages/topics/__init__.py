"""What customers get mail about: topics with their terms, and addresses that are never written to."""
