"""Whether the whole works: the strip on every page of the console, and its overview."""
