"""Keys of the API: from where they may come, and which person stands behind one."""
