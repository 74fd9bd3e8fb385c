"""What a running process checks in its surroundings, again and again: its database, its clock, its settings."""
