"""The HTTP API: requests in, services called, one commit at the edge. It knows neither activities nor providers."""
