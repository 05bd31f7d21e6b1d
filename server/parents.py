"""A process that dies with the one that started it, even if that is killed. Linux only, as the platform is."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process once its parent, `parent`, has died; leave at once if it has already.

    The kernel means the very thread that started this process: start one from a thread that lives as long.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started this one has gone")
