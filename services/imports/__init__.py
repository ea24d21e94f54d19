"""Files that are taken in: read line by line, checked, placed."""
