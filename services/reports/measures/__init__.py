"""What every report counts by: periods, shares as they are shown, the one currency."""
