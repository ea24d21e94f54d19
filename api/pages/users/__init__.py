"""The page on which admins invite colleagues."""
