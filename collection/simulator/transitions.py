"""How workflows step from one kind of event to the next: weights, pure data."""

from __future__ import annotations

from collection.simulator.kinds import USER_KINDS

# The state that closes a session, and the one it starts from.
END = len(USER_KINDS)

# Weights of the next step; "end" closes the session. Rows are normalised where they are read.
STEPS: dict[str, dict[str, float]] = {
    "start": {"login": 60, "page_view": 32, "call": 5, "failed_login": 3},
    "page_view": {
        "click": 30, "feature_use": 20, "page_view": 12, "search": 9, "form_submit": 6, "call": 5, "prompt": 8,
        "export": 2, "feedback": 1, "invite": 0.6, "profile_update": 0.8, "settings_change": 1, "ticket": 0.7,
        "payment": 0.8, "upgrade": 0.3, "task_created": 3, "logout": 4, "identity_check": 0.2, "end": 15,
    },
    "click": {"feature_use": 30, "page_view": 25, "form_submit": 12, "click": 8, "call": 5, "prompt": 6, "end": 18},
    "feature_use": {"click": 20, "page_view": 20, "feature_use": 18, "export": 6, "task_created": 7, "prompt": 8,
                    "call": 5, "end": 22},
    "form_submit": {"page_view": 40, "task_created": 20, "click": 15, "feedback": 2, "end": 20},
    "search": {"page_view": 30, "click": 40, "search": 15, "end": 15},
    "export": {"page_view": 40, "feature_use": 20, "end": 40},
    "feedback": {"page_view": 50, "end": 50},
    "call": {"call": 55, "page_view": 20, "feature_use": 8, "end": 17},
    "prompt": {"response": 100},
    "response": {"rating": 38, "prompt": 27, "feature_use": 15, "end": 20},
    "rating": {"prompt": 40, "page_view": 20, "feature_use": 15, "end": 25},
    "error": {"page_view": 35, "call": 15, "ticket": 5, "end": 45},
    "task_created": {"page_view": 40, "feature_use": 25, "invite": 2, "end": 30},
    "upgrade": {"payment": 60, "page_view": 40},
    "payment": {"page_view": 60, "end": 40},
    "invite": {"page_view": 60, "invite": 10, "end": 30},
    "login": {"page_view": 72, "mfa": 15, "feature_use": 10, "end": 3},
    "failed_login": {"failed_login": 30, "login": 50, "password_reset": 10, "end": 10},
    "mfa": {"page_view": 92, "end": 8},
    "password_reset": {"login": 90, "end": 10},
    "profile_update": {"page_view": 60, "settings_change": 10, "end": 30},
    "identity_check": {"page_view": 70, "end": 30},
    "settings_change": {"page_view": 60, "end": 40},
    "ticket": {"page_view": 50, "end": 50},
    "signup": {"page_view": 90, "end": 10},
    "trial_start": {"page_view": 90, "end": 10},
    "logout": {"end": 100},
}  # fmt: skip

# A user reaches these only as far as their breadth of adoption goes.
ADVANCED = ("prompt", "export", "task_created", "search", "call", "invite")
# Steps after which a service may fail.
FALLIBLE = ("call", "feature_use", "form_submit", "export", "search")
