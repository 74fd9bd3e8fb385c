"""The daily report by e-mail: what was sent, what failed and why, and what comes next."""
