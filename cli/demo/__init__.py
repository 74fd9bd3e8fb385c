"""What `herald demo` needs besides the stack: sample clients, and the comparison at its end."""
