"""The machine on a virtual clock: one customer, a cohort, the past, and what comes next."""
