"""Customers as support and marketers see them: found, looked at, asked about, led elsewhere."""
