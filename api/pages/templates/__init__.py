"""Templates as marketers see them: listed, looked at as a customer would, compared, written, tried on an address."""
