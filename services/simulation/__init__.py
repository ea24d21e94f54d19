"""What simulations are made of: a cohort of customers, one who is made up, and both run in parts on all cores."""
