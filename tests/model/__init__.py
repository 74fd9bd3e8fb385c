"""An exhaustive model of claims, names, give-backs and the barrier of edits: every order of events is tried."""
