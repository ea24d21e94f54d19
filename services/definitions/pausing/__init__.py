"""What is paused, when it goes on, and the hours of sending."""
