"""SMS: gateways in and out."""
