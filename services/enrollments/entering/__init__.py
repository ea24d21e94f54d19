"""How customers come in: by an event, a schedule, a call, many at once."""
