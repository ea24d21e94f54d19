"""Delivering a lane of mail: the shift that keeps it going, the lane, the hand-over, the evidence that is sought."""
