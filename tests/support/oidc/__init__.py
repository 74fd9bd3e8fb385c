"""A certified OpenID provider from npm, for the tests."""
