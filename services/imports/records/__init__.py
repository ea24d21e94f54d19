"""Kinds of records, line by line, and what a dry run tells of them."""
