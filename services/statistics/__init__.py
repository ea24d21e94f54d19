"""What counts say, and how sure: intervals, probabilities, how many are needed. Pure functions of numbers."""
