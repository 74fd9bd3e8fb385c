"""Turns the bytes of a request into values, in bounded time and memory."""
