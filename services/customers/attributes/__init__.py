"""What is known of a customer, and what of it cannot be read."""
