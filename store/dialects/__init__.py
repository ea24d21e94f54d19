"""The databases that Waypost runs on, as twins: each says the same things about itself, and names only itself."""
