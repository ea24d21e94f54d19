"""Broadcasts as marketers see them: written, counted before they go, let go, watched, paused, stopped."""
