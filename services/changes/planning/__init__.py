"""What a new version does to those under way, before anybody is moved."""
