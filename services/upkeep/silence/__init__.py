"""What has stopped happening: which gap is usual, and which name may be meant instead."""
