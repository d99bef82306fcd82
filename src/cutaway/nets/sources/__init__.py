"""Where models come from: one file per source, each a function from a Request to a Model."""

from cutaway.nets.sources.request import Request

__all__ = ["Request"]
