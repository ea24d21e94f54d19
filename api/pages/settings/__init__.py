"""What holds for the whole installation: its settings, the keys of programs, and who changed what."""
