"""From a committed row to a poke."""
