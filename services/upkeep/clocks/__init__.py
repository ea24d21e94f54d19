"""What is due by the clock: broadcasts, experiments, the fit of value."""
