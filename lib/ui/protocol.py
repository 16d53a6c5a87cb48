"""What a page's message asks the server for, as Streamlit's protocol has it; the gate goes by that."""

from __future__ import annotations

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from streamlit.proto.BackMsg_pb2 import BackMsg

from lib.access.gate import FILE, RUN, TOO_MUCH, UNUSED

MOST_FILES = 20  # that a page may ask addresses for at once
MOST_VALUES = 4000  # of widgets, each choice counted: the columns of an import are up to 1,000 of two each
LARGEST_REST = 256 * 1024  # bytes of a message beside the texts that are typed
# What pages ask for. The rest of the protocol clears the cache of all, changes settings or is for developers.
_USED = ("rerun_script", "stop_script", "file_urls_request", "app_heartbeat", "backend_operation_request")
_OPERATIONS = ("deferred_file", "dataframe_chunk")


def asked(content: bytes) -> str:
    """RUN for a run of the page, FILE for a file that is built then, "" for other things that pages ask for.

    TOO_MUCH for more than a page of ours ever asks for, UNUSED for what none does.
    """
    try:
        message = BackMsg.FromString(content)
    except DecodeError:
        return ""  # Streamlit ends the socket itself
    if len(message.file_urls_request.file_names) > MOST_FILES or _is_swollen(message, len(content)):
        return TOO_MUCH
    kind = message.WhichOneof("type")
    if kind == "backend_operation_request":
        operation = message.backend_operation_request.WhichOneof("payload")
        return FILE if operation == "deferred_file" else "" if operation in _OPERATIONS else UNUSED
    return RUN if kind == "rerun_script" else "" if kind in _USED else UNUSED


def _is_swollen(message: BackMsg, size: int) -> bool:
    """Whether a page's message has more in it than our pages have widgets for; each takes time of everyone's."""
    widgets = message.rerun_script.widget_states.widgets
    if len(widgets) > MOST_VALUES:
        return True
    choices = sum(
        len(widget.string_array_value.data) + len(widget.int_array_value.data) + len(widget.double_array_value.data)
        for widget in widgets
    )
    typed = sum(len(widget.string_value.encode()) for widget in widgets)
    return len(widgets) + choices > MOST_VALUES or size - typed > LARGEST_REST
