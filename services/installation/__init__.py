"""What holds for the whole installation: its settings, languages and rates."""
