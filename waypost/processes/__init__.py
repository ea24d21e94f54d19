"""The processes of an installation: API, worker, and what runs beside them."""
