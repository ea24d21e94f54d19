"""What a new version does to those who are under way: foreseen, and done."""
