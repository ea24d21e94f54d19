"""Segments: all of them, one with who is in it, and writing one with who would be in it."""
