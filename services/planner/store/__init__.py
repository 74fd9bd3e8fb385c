"""The SQL statements of the planner, one function each, by the task that they serve; closing has a store of its own."""
