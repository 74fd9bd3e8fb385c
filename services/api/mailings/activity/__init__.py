"""What a mailing is doing, how fast, and what holds it up."""
