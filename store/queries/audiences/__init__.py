"""Segments, dates that come, rhythms."""
