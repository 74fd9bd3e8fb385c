"""Receipts: what providers say became of messages. They come from outside, and carry a token in their path."""
