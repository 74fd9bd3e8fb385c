"""What the commands show at the terminal: tables and progress bars."""
