"""The browser's side: what recipients and people at their desks open."""
