"""The command-line program `qgraft`."""

import os
import signal
import sys


def main() -> int:
    """Runs the program on the arguments of this process; the exit code."""
    threads = os.environ.pop("RAYON_NUM_THREADS", None)
    from qgraft import _native

    # Python ignores a closed pipe and keeps Ctrl-C for itself; the program handles both.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(["qgraft", *sys.argv[1:]], threads)


if __name__ == "__main__":
    sys.exit(main())
