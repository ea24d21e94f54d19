"""What comes next for one enrollment, and when."""
