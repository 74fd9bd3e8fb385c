"""Query plans of the frequent statements, and of previews and expansions, at a million clients."""
