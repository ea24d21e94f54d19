"""Events from outside: read, attributed to a customer, stored once."""
