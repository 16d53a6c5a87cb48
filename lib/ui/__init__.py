"""Pieces that several pages share; with `pages/` the only code that imports streamlit.

Where they are run without the gate, the process ends before it shows anything.
"""

from streamlit import runtime

from lib.access.gate import Gate
from lib.access.server import stop_without_gate

if runtime.exists() and not Gate.active:
    stop_without_gate()
