"""What stands round the routes: limits, repeats, conditions, and the numbers of it all."""
