"""The providers file: its model, its presets, and how it is read."""
