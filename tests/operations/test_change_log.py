"""What the change log says of operations, and who reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lib.errors import Invalid
from lib.operations import Workspace
from tests.store.tools import contents, person

from .conftest import LATER, fresh, long_ago, signed_in, take, user


def test_what_was_done_is_in_the_log_and_no_content_is(spaces: dict[str, Any]) -> None:
    secret = "Salainenhenkilö"
    sales, manager, admin = spaces["sales"], spaces["manager"], spaces["admin"]
    pid = sales.add(person(secret, notes=secret, organisation=secret, source_detail=secret))
    sales.edit(pid, {"title": secret, "interests": [secret]}, {"title": ""})
    sales.no_marketing(pid)
    manager.allow_marketing(pid)
    take(sales, [pid])
    sales.request_removal(pid)
    manager.cancel_removal_request(pid)
    manager.keep_longer([pid], "claim", LATER)
    manager.release(pid)
    manager.remove([pid], "henkilön pyynnöstä")
    log = admin.change_log()[:10]
    assert [(e.by, e.action) for e in reversed(log)] == [
        ("sales", "add"),
        ("sales", "update"),
        ("sales", "no_marketing"),
        ("manager", "allow_marketing"),
        ("sales", "download"),
        ("sales", "request_removal"),
        ("manager", "cancel_removal_request"),
        ("manager", "keep_longer"),
        ("manager", "release"),
        ("manager", "remove"),
    ]
    assert all(e.ids == [pid] for e in log if e.action != "download")
    assert log[0].facts == {"rows": 1, "reason": "henkilön pyynnöstä"}
    assert next(e for e in log if e.action == "download").facts == {"rows": 1, "columns": ["name", "objected"]}
    assert "alainen" not in str(log)


def test_what_an_administrator_does_is_in_the_log_without_passwords(spaces: dict[str, Any]) -> None:
    admin: Workspace = spaces["admin"]
    passwords = [admin.add_user("lokitettu", "Loki", {"sales"})]
    admin.set_roles("lokitettu", {"manager"})
    passwords.append(admin.reset_password("lokitettu"))
    admin.disable_user("lokitettu")
    admin.enable_user("lokitettu")
    admin.lost_device("lokitettu")
    admin.drop_second_factor("lokitettu")
    admin.save_settings(retention_years=4)
    admin.save_settings(retention_years=4)  # no change, no line
    admin.save_settings(retention_years=5)
    log = admin.change_log()[:9]
    assert [e.action for e in reversed(log)] == [
        "add_user",
        "set_roles",
        "reset_password",
        "disable_user",
        "enable_user",
        "lost_device",
        "second_factor_off",
        "settings",
        "settings",
    ]
    assert log[0].facts == {"settings": ["retention_years"]}
    assert not any(password in str(log) for password in passwords)


def test_downloads_and_changes_of_roles_are_logged_with_device_and_address(spaces: dict[str, Any]) -> None:
    installation = spaces["installation"]
    user(installation, "travelling", "manager", "admin")
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0"
    space = signed_in(installation, "travelling", agent, "203.0.113.5")
    take(space, [])
    space.set_roles("travelling", {"manager", "admin", "sales"})
    lines = {line.action: line.facts for line in spaces["admin"].change_log()[:4]}
    for action in ("sign_in", "download", "set_roles", "session_ended"):
        assert (lines[action]["device"], lines[action]["address"]) == ("Edge, Windows", "203.0.113.5"), action


def test_the_data_folder_shows_no_row(spaces: dict[str, Any]) -> None:
    fresh(spaces, "Kanarialintu Kaarina")
    folder: Path = spaces["installation"].data_dir
    assert not any(b"Kanarialintu" in content for content in contents(folder).values())


def test_a_hold_set_meanwhile_stops_a_removal_that_was_to_be_for_an_ended_period(spaces: dict[str, Any]) -> None:
    pid = long_ago(spaces)
    manager: Workspace = spaces["manager"]
    manager.keep_longer([pid], "claim", LATER)
    with pytest.raises(Invalid):
        manager.remove([pid], "expired")
    assert manager.row(pid)["hold_reason"] == "claim"
