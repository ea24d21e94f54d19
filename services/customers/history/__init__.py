"""What a customer did."""
