"""What the benchmarks share: a session of psql, and lines of a table."""
import os
import subprocess
import sys
import threading
import time

MARK = "-- done --"


class Session:
    """One psql process, and so one backend."""

    def __init__(self, *settings):
        self.process = subprocess.Popen(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.run("SET client_min_messages = error", *settings)
        self.pid = int(self.run("SELECT pg_backend_pid()"))

    def run(self, *statements):
        """Output of the last statement."""
        output = ""
        for statement in statements:
            self.process.stdin.write(f"{statement};\n\\echo {MARK}\n")
            self.process.stdin.flush()
            lines = []
            for line in self.process.stdout:
                if line.rstrip("\n") == MARK:
                    break
                lines.append(line)
            else:
                sys.exit(f"the server did not answer: {statement}")
            output = "".join(lines).strip()
        return output

    def time(self, statement):
        """Milliseconds as the client sees them."""
        start = time.perf_counter()
        self.run(statement)
        return 1000 * (time.perf_counter() - start)

    def memory(self, field):
        """kB of one line of /proc/PID/smaps_rollup."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))

    def peak_memory(self, statement):
        """kB of Private_Dirty at its highest while the statement runs, looked at every 20 ms."""
        peak = 0
        thread = threading.Thread(target=lambda: self.run(statement))
        thread.start()
        while thread.is_alive():
            peak = max(peak, self.memory("Private_Dirty"))
            time.sleep(0.02)
        thread.join()
        return peak

    def pin(self, core):
        os.sched_setaffinity(self.pid, {core})

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def row(what, *columns):
    print(f"  {what:<52}" + "".join(f"{column:>14}" for column in columns), flush=True)


def heading(text, *columns):
    print()
    row(text, *columns)
    print("  " + "-" * (52 + 14 * len(columns)))


def ms(value):
    return f"{value:.2f} ms"
