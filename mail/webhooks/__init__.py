"""Calls to other systems: one call, and what came of it."""
