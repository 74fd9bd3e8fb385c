"""Measures an installation: the whole pipeline beside a bare HTTP client, in one run."""
