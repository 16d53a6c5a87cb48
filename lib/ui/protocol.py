"""What a page's message asks the server for, as Streamlit's protocol has it; the gate goes by that."""

from __future__ import annotations

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from streamlit.proto.BackMsg_pb2 import BackMsg

from lib.access.gate import RUN, TOO_MUCH

MOST_FILES = 20  # that a page may ask addresses for at once


def asked(content: bytes) -> str:
    """RUN for a run of the page, TOO_MUCH for more than a page of ours ever asks for, "" for anything else."""
    try:
        message = BackMsg.FromString(content)
    except DecodeError:
        return ""  # Streamlit ends the socket itself
    if len(message.file_urls_request.file_names) > MOST_FILES:
        return TOO_MUCH
    return RUN if message.WhichOneof("type") == "rerun_script" else ""
