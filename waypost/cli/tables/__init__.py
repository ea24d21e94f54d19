"""What commands show to people, as tables and lines."""
