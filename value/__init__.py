"""What a customer is worth: orders read and folded, classes by recency, frequency and money, and what is expected."""
