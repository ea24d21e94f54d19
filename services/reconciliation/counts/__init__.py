"""Counts that are kept, against the rows that they count."""
