"""What is true of a text whatever sends it."""
