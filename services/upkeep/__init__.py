"""What comes by the clock: due dates, broadcasts, segments that time changes, what is let go."""
