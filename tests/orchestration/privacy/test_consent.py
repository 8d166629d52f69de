"""`lethe privacy consent` in this process, over a real database and vault: from a decision to a checked receipt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orchestration import cli
from orchestration.platform import PlatformResource
from orchestration.privacy.consent import read_controller
from privacy.errors import UnreadableReceiptError

CONTROLLER = {
    "name": "Acme",
    "address": "1 Example Way",
    "contact": "privacy@example.com",
    "jurisdiction": "DE",
    "withdraw_at": "https://example.com/privacy",
}


@pytest.mark.integration
def test_from_a_decision_to_a_receipt_that_is_checked_elsewhere(
    platform: PlatformResource, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def lethe(*arguments: str) -> str:
        assert cli.main(["privacy", "consent", *arguments, "--home", platform.home]) == cli.DONE
        return capsys.readouterr().out

    why = ("--reason", "called us", "--by", "front desk")
    assert "2 decisions recorded" in lethe("grant", "u1", "analytics", "marketing", *why)
    assert "1 decisions recorded" in lethe("withdraw", "u1", "marketing", *why)
    shown = dict(line.split() for line in lethe("show", "u1").splitlines())
    assert (shown["analytics"], shown["marketing"], shown["sharing"]) == ("grant", "withdraw", "none")
    assert [line.split()[2:4] for line in lethe("history", "u1").splitlines()] == [
        ["grant", "analytics"],
        ["grant", "marketing"],
        ["withdraw", "marketing"],
    ]
    rows = [json.loads(line) for line in lethe("history", "u1", "--json").splitlines()]
    assert {(row["method"], row["reason"], row["recorded_by"]) for row in rows} == {("api", "called us", "front desk")}
    controller, receipt = tmp_path / "controller.json", tmp_path / "receipt.json"
    controller.write_text(json.dumps(CONTROLLER))
    key = lethe("receipt", "u1", "--controller", str(controller), "--to", str(receipt)).split()[-1]
    assert key in lethe("verify", str(receipt), "--trusted", key)
    assert "compare the key" in lethe("verify", str(receipt))


@pytest.mark.integration
def test_notices_are_served_answered_closed_and_a_signal_is_obeyed_once(
    platform: PlatformResource, capsys: pytest.CaptureFixture[str]
) -> None:
    def lethe(*arguments: str, code: int = cli.DONE) -> str:
        assert cli.main(["privacy", "consent", *arguments, "--home", platform.home]) == code
        said = capsys.readouterr()
        return said.out + said.err

    assert "notice 1, version 1: Dürfen wir auswerten" in lethe(
        "serve", "u1", "analytics", "--language", "de", "--place", "/sign-up"
    )
    why = ("--reason", "at the desk", "--by", "front desk")
    lethe("grant", "u1", "analytics", "--notice", "1", *why)
    (row,) = [json.loads(line) for line in lethe("history", "u1", "--json").splitlines()]
    assert (row["decision"], row["served_notice_id"]) == ("grant", 1)
    assert "not served to this person" in lethe("dismiss", "u2", "1", code=cli.USAGE)
    assert "every choice stays" in lethe("dismiss", "u1", "1")
    assert "2 decisions recorded" in lethe("gpc", "u1")
    assert "0 decisions recorded" in lethe("gpc", "u1")
    shown = dict(line.split() for line in lethe("show", "u1").splitlines())
    assert [shown[name] for name in ("analytics", "sharing", "marketing")] == ["grant", "withdraw", "withdraw"]


@pytest.mark.integration
def test_a_changed_receipt_is_refused_with_three(
    platform: PlatformResource, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    controller, receipt = tmp_path / "controller.json", tmp_path / "receipt.json"
    controller.write_text(json.dumps(CONTROLLER))
    home = ["--home", platform.home]
    grant = ["privacy", "consent", "grant", "u1", "analytics", "--reason", "r", "--by", "b"]
    assert cli.main([*grant, *home]) == cli.DONE
    made = ["privacy", "consent", "receipt", "u1", "--controller", str(controller), "--to", str(receipt)]
    assert cli.main([*made, *home]) == cli.DONE
    document = json.loads(receipt.read_text())
    assert cli.main(["privacy", "consent", "verify", str(receipt), "--trusted", "0" * 32]) == cli.REFUSED
    assert cli.main(["privacy", "verify", str(receipt), "--trust", "0" * 32]) == cli.REFUSED
    assert cli.main(["privacy", "verify", str(receipt)]) == cli.DONE
    document["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"] *= 2
    receipt.write_text(json.dumps(document))
    assert cli.main(["privacy", "consent", "verify", str(receipt)]) == cli.REFUSED
    assert cli.main(["privacy", "verify", str(receipt)]) == cli.REFUSED
    assert "it was changed" in capsys.readouterr().err


def test_what_is_no_receipt_or_no_controller_is_said_in_words(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    for content in ("{", "[]", json.dumps(CONTROLLER | {"address": ""}), json.dumps({"name": "Acme"})):
        file.write_text(content)
        with pytest.raises(UnreadableReceiptError, match=r"file\.json"):
            read_controller(file)
    with pytest.raises(UnreadableReceiptError):
        read_controller(tmp_path / "absent.json")
    file.write_text(json.dumps(CONTROLLER))
    assert read_controller(file).jurisdiction == "DE"
