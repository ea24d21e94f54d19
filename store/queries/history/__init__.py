"""Events of customers: log, names, milestones, what was rejected or could not be read."""
