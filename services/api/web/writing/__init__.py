"""Writes long answers: compressed, and in constant memory."""
