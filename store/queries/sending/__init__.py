"""Lanes, channels, hooks and their fences."""
