"""Customers: their profile, what is known of them, the segments they are in, where they may not be written to."""
