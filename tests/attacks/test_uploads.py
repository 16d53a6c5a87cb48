"""S8: a list that is brought in passes through the server's memory alone."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

from tests.conftest import missing
from tests.serving import Server, make_register, streamlit_session

CANARY = "KANARIALINTU"
_WRITE = re.compile(r"p?writev?(?:64)?\(\d+<(/[^>]*)>")  # to a file: neither a socket nor a pipe


def test_s8_an_uploaded_list_reaches_no_file(tmp_path: Path) -> None:
    strace = shutil.which("strace") or missing("strace")
    trace = tmp_path / "trace"
    calls = "trace=write,pwrite64,writev,pwritev"
    server = Server(
        tmp_path / "data",
        before=[str(strace), "-D", "-f", "--seccomp-bpf", "-y", "-s", "4096", "-e", calls, "-o", str(trace)],
    )
    make_register(server.data_dir)
    server.start()
    content = f"Nimi;Puhelin\n{f'{CANARY};0401234567' * 120_000}".encode()
    assert len(content) > 2_000_000  # Starlette keeps one megabyte in memory unless told otherwise
    try:
        client = server.sign_in()
        client.get("/_stcore/health")
        token = next(value for name, value in client.cookies.items() if "xsrf" in name)
        with server.socket(client) as socket:
            address = f"/_stcore/upload_file/{streamlit_session(socket)}/lista"
            answer = client.put(address, files={"file": ("lista.csv", content)}, headers={"X-Xsrftoken": token})
        assert answer.status_code == 204
    finally:
        server.close()
    for _ in range(100):  # strace ends after what it traces
        if trace.read_text("utf-8", "replace").rstrip().endswith("+++"):
            break
        time.sleep(0.1)
    lines = trace.read_text("utf-8", "replace").splitlines()
    files = [line for line in lines if _WRITE.search(line)]
    assert any(str(server.data_dir) in line for line in files)  # it sees what is written
    assert [line[:200] for line in files if CANARY in line] == []
