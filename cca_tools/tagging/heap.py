"""Keep freed memory in the process, so that each batch does not fetch its pages anew."""

from __future__ import annotations

import ctypes
import sys

# parameters of glibc's mallopt, and what each is set to, in bytes
_MMAP_THRESHOLD = (-3, 32 * 2**20)  # the largest that glibc takes
_TRIM_THRESHOLD = (-1, 256 * 2**20)
_TOP_PAD = (-2, 32 * 2**20)


def keep_freed_memory() -> bool:
    """Tell the C library's allocator to hold what is freed for the next request.

    By default glibc gives large buffers back to the system and fetches them again, page by page,
    in every layer of a network: half of the time of a small network on a CPU. At most 256 MiB are
    held. What an environment variable of glibc sets is set again here.

    Returns:
        Whether the allocator takes such advice; others (musl, macOS) are left alone.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return all(mallopt(*setting) == 1 for setting in (_MMAP_THRESHOLD, _TRIM_THRESHOLD, _TOP_PAD))
