"""Programs that take the pictures of the documentation; they are run by hand."""
