"""What routes are given, as annotated dependencies: what a route may do stands in its signature."""
