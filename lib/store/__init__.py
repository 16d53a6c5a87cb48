"""The register on disk. See `lib.store.store` for what a `Store` promises."""

from lib.store.store import Store

__all__ = ["Store"]
