"""What stands on the other side of the SMS channel: golden calls, a server on loopback, Kannel."""
