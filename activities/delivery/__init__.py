"""Delivering a lane: the shift that keeps it going, the lane itself, what is counted."""
