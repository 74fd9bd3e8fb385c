"""The tokens of machines and people: admins list, create and revoke them."""
