"""Mutants: copies of Herald that lack one mechanism of the protocol each, and the tests that must notice."""
