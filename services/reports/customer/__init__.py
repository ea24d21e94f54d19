"""One customer: where they are, why, and what comes next."""
