"""Tests of services/api/web/reading."""
