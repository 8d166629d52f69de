"""Contracts look at the same completed run as the integration tests."""

from tests.integration.conftest import completed

__all__ = ["completed"]
