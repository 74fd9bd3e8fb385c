"""Who gets which text: filters as trees of conditions, compiled to SQL, and texts with values of each client."""
