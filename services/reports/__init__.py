"""What people look up: lists, a customer, a reason, counts that are kept, books that balance."""
