"""Journeys for marketers: all of them, one on its map, who is under way, what came of it, and its versions."""
