"""What a kind of event is: its labels and the JSON templates of its parts. The kinds themselves are in `kinds`."""

from __future__ import annotations

from dataclasses import dataclass

CLIENT = (
    '{"ip":"<ip>","user_agent":"<user_agent>","device":"<device>","os":"<os>",'
    '"locale":"<locale>","timezone":"<timezone>","network":"<network>"}'
)
METADATA = '{"app_version":"<app_version>","trace":"<trace>","region":"<region>"}'


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event. `data` is JSON text with <column> places; a place without quotes is a number or flag."""

    action: str
    event_type: str
    event_source: str
    component: str
    data: str
    label: str = "non_personal"
    retention: str = "short_term"
    from_client: bool = True

    def templates(self) -> dict[str, str]:
        """JSON templates by LogEvent field."""
        found = {"data": self.data, "metadata": METADATA}
        return found | ({"client_info": CLIENT} if self.from_client else {})
