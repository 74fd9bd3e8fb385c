"""The barrier that an edit passes before it is answered: every dispatcher has heard of it, or may begin nothing."""
