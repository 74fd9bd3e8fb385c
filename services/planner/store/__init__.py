"""Every SQL statement of the planner, one function each, by the part of a mailing's life they serve."""
