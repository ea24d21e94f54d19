"""What mails are worth: orders are credited to the mails before them, and taken back with them."""
