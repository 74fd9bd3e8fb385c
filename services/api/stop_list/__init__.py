"""The stop list: phones that get nothing, whatever file they come back in."""
