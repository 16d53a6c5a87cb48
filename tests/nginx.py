"""The real nginx with the README's own configuration, TLS from a certificate made on the spot."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import httpx

from .conftest import missing
from .serving import HTTPS_NAME, ROOT, free_port

_README = (ROOT / "README.md").read_text("utf-8")


def block(kind: str) -> str:
    """The README's one block of this kind."""
    [found] = re.findall(rf"```{kind}\n(.*?)```", _README, re.DOTALL)
    return str(found)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A new private key and a certificate for HTTPS_NAME that signs itself."""
    if not shutil.which("openssl"):
        missing("openssl")
    key, made = folder / "privkey.pem", folder / "fullchain.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(made), "-days", "2", "-subj", f"/CN={HTTPS_NAME}"]
    command += ["-addext", f"subjectAltName=DNS:{HTTPS_NAME}"]
    subprocess.run(command, check=True, capture_output=True)
    return key, made


class Nginx:
    """nginx before a server.

    Args:
        folder: of its own: configuration, logs, temporary files.
        upstream: the server's port.
    """

    def __init__(self, folder: Path, upstream: int) -> None:
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if not program:
            missing("nginx")
        self.folder = folder
        self._clients: list[httpx.Client] = []
        folder.mkdir()
        self._key, self._certificate = certificate(folder)
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://{HTTPS_NAME}:{self.port}"
        changes = {
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "/etc/ssl/prospects/fullchain.pem": str(self._certificate),
            "/etc/ssl/prospects/privkey.pem": str(self._key),
            "http://127.0.0.1:8501": f"http://127.0.0.1:{upstream}",
        }
        site = block("nginx")
        for old, new in changes.items():
            assert site.count(old) == 1, old
            site = site.replace(old, new)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "\n".join(f"{kind}_temp_path {folder}/temp/{kind};" for kind in kinds)
        (folder / "temp").mkdir()
        (folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
            f"events {{ worker_connections 512; }}\nhttp {{\naccess_log {folder}/access.log;\n{places}\n{site}\n}}\n"
        )
        self._process = subprocess.Popen(
            [str(program), "-c", str(folder / "nginx.conf"), "-p", str(folder)], stderr=subprocess.PIPE
        )
        for _ in range(100):
            assert self._process.poll() is None, self._process.stderr and self._process.stderr.read()
            try:
                if self.client().get("/_stcore/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise TimeoutError

    @property
    def context(self) -> ssl.SSLContext:
        """Trusts this certificate and no other."""
        return ssl.create_default_context(cafile=str(self._certificate))

    def client(self, address: str = "127.0.0.1") -> httpx.Client:
        """A browser at an address of this machine that takes the server for another one."""
        transport = httpx.HTTPTransport(verify=self.context, local_address=address)
        headers = {"Host": f"{HTTPS_NAME}:{self.port}", "Origin": self.url}
        client = httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}", headers=headers, transport=transport, timeout=30
        )
        self._clients.append(client)
        client.event_hooks["request"] = [lambda request: request.extensions.update(sni_hostname=HTTPS_NAME)]
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._process.terminate()
        self._process.communicate(timeout=20)
