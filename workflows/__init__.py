"""The thin shells round the core that make it durable, and the gateway: all that others know of Temporal."""
