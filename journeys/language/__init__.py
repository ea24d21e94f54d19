"""The journey language: its words, its steps, one definition, and what can be wrong with it."""
