"""Tests mirror the packages; integration tests use the real tools."""
