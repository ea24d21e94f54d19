"""Writing a journey: begun from an example, judged as one types, tried, planned, published."""
