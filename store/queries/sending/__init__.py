"""Lanes, their hold and their fences; channels, hooks, restored copies."""
