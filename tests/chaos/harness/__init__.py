"""The machinery of a chaos experiment: its system, its course, its monitoring and its report."""
