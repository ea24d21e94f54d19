"""Keys of the API, and from where they may come."""
