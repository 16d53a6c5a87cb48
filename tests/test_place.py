"""Where a data folder may lie."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from lib import place
from lib.errors import BadPlace
from lib.i18n import translator
from lib.installation import Installation

MOUNTS = """\
/dev/vda1 / ext4 rw 0 0
tmpfs /srv tmpfs rw 0 0
//server/share /srv/com\\040mon cifs rw 0 0
server:/home /home nfs4 rw 0 0
server:/a /srv/myynti\\040ja\\040väki nfs4 rw 0 0
server:/b /srv/Łódź–ж nfs4 rw 0 0
/dev/vdb1 /home/local ext4 rw 0 0
"""


@pytest.fixture
def mounts(tmp_path: Path) -> str:
    path = tmp_path / "mounts"
    path.write_text(MOUNTS, "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("folder", "network"),
    [
        ("/data", False),
        ("/srv/data", False),
        ("/srv/com mon/data", True),
        ("/srv/com mon", True),
        ("/home/aino/data", True),
        ("/home/local/data", False),
        ("/homes/data", False),
        ("/srv/myynti ja väki/data", True),
        ("/srv/Łódź–ж/data", True),
    ],
)
def test_a_network_share_is_told_by_the_mount_that_a_folder_lies_under(mounts: str, folder: str, network: bool) -> None:
    assert place.on_network(Path(folder), mounts) is network


def test_a_system_that_does_not_tell_its_mounts_is_no_reason_to_refuse(tmp_path: Path) -> None:
    assert not place.on_network(tmp_path, str(tmp_path / "nothing"))


def test_a_folder_of_a_sync_program_is_told_by_its_name() -> None:
    assert place.synchronised(PureWindowsPath(r"C:\Users\Aino\OneDrive - Yritys Oy\data")) == "OneDrive - Yritys Oy"
    assert place.synchronised(PurePosixPath("/home/aino/Dropbox/register")) == "Dropbox"
    assert place.synchronised(PurePosixPath("/home/aino/register")) == ""


def test_a_server_refuses_a_synchronised_folder_and_says_what_to_do(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "Nextcloud" / "data")
    with pytest.raises(BadPlace) as caught:
        installation.claim_server()
    assert "PROSPECTS_DATA" in translator("en").text(caught.value.text)
    Installation(tmp_path / "data").claim_server()
