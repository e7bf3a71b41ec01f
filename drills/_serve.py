"""The server of the drills: the program's own, on a database of a drill, without the question whether a real trial may run there.

Arguments: port, number of processes. Settings come from the environment, as for `oligami serve`.
"""

import sys

from oligami.web import logs, serving


def main() -> None:
    """Serve until killed."""
    port, workers = (int(word) for word in sys.argv[1:])
    serving.set_up()
    logs.configure()
    serving.warm_up()
    serving.Server(serving.bind("127.0.0.1", port), workers=workers, threads=4).run()


if __name__ == "__main__":
    main()
