"""Measures an installation: the whole pipeline and, for comparison, a bare HTTP client in the same run."""
