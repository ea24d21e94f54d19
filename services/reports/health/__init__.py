"""Whether the installation does its work: readiness, backlog, silence, the books."""
