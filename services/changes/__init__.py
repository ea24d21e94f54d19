"""What a new version or a resume does to those who are under way: foreseen, and done."""
