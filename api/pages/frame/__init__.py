"""What every page for people at their desks stands in: layout, static files, times and numbers, problems in words."""
