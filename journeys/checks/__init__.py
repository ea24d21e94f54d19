"""Text into a definition, with every mistake told at once: its path, its line, what would be right."""
