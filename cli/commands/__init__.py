"""The commands of `herald`: one module for each command or group of commands."""
