"""What is due by the clock: broadcasts, experiments, value, silence."""
