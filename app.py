"""The server: the gate with sign-in and the first start, and the Streamlit app behind it.

Start it with `streamlit run app.py`. Streamlit finds the app by reading this source, so `app = st.App(...)` stands here
in full: built by a function, it would run without the gate.
"""

import statistics as _  # noqa: F401  the library's: while a page runs, pages/statistics.py comes first on the path

import streamlit as st
from starlette.middleware import Middleware

from lib.access.gate import Gate
from lib.access.server import lifespan, prepare
from lib.access.web import ROUTES
from lib.ui.built_files import keep_built_files
from lib.ui.messages import show_failure
from lib.ui.protocol import asked


def address() -> str:
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return f"{scheme}://{st.get_option('server.address') or '127.0.0.1'}:{st.get_option('server.port')}"


prepare(__name__)
keep_built_files()
app = st.App(
    "pages/main.py",
    routes=ROUTES,
    middleware=[Middleware(Gate, allowed_hosts=st.get_option("server.allowedHosts"), asked=asked)],
    lifespan=lifespan(address, lambda: Gate.active),
    on_script_error=show_failure,
)
