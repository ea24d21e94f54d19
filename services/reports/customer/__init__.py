"""One customer: where they are and were, why, and what comes next."""
