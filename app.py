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
from lib.i18n import N_, translator
from lib.installation import current


def address() -> str:
    scheme = "https" if st.get_option("server.sslCertFile") else "http"
    return f"{scheme}://{st.get_option('server.address') or '127.0.0.1'}:{st.get_option('server.port')}"


def on_script_error(_error: Exception) -> bool:
    """Say calmly that a page failed; the log has the error's class and place."""
    st.error(
        translator(current().settings.language)(
            N_("Something went wrong on this page. What was saved before is safe. Load the page again.")
        )
    )
    return True


prepare()
app = st.App(
    "pages/main.py",
    routes=ROUTES,
    middleware=[Middleware(Gate)],
    lifespan=lifespan(address),
    on_script_error=on_script_error,
)
