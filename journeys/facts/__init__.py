"""What guards, waits and triggers read: instants and local times, CEL, and what is known of a customer."""
