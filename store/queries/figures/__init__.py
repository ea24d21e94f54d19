"""Counts and sums that are kept, never scanned for."""
