"""Starts Herald's processes by forking one that has loaded all of them."""
