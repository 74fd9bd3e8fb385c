"""Closing: settling messages that will never be sent, when a mailing ends or is cancelled or a client is deleted."""
