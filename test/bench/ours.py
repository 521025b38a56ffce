"""electra from SQL, behind the same methods as peers.Peer."""
import subprocess
import time

from peers import Missing
from session import Session

# Times, in ms, of embedding rows of a table by themselves.
TIME_ROWS = """
CREATE FUNCTION time_rows(source regclass, preset text, first int, count int) RETURNS float8[] LANGUAGE plpgsql AS $$
DECLARE
    body text;
    start timestamptz;
    times float8[] = '{}';
BEGIN
    FOR body IN EXECUTE format('SELECT body FROM %s WHERE id >= %s ORDER BY id LIMIT %s', source, first, count) LOOP
        start := clock_timestamp();
        PERFORM electra_embed(body, preset);
        times := times || 1000 * extract(epoch FROM clock_timestamp() - start)::float8;
    END LOOP;
    RETURN times;
END $$;
"""


def array_of(text):
    return [float(value) for value in text.strip("{}").split(",")]


def attempt(statement):
    """Runs a statement that may fail in a session of its own; its error."""
    done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "SET client_min_messages = error",
                           "-c", statement], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip().split("\n")[0]


# OpenBLAS multiplies for a session that cannot store what it computes.  Before
# the library is loaded the setting would be taken on trust.
WITH_OPENBLAS = ("LOAD 'electra'", "SET electra.gemm = 'openblas'", "SET default_transaction_read_only = on")


class Ours:
    """A backend with a preset, loaded on first use; load_ms is what loading and making the image took."""

    loaded = {}

    def __init__(self, model, dtype, directory, core, settings=(), engine="electra"):
        self.engine, self.dtype, self.preset = engine, dtype, f"{model}_{dtype}"
        if self.preset not in self.loaded:
            # Random weights are not what the gate of int8 is for; what becomes of them is shown.
            gate = ", min_cosine => 0" if dtype == "int8" and model != "minilm" else ""
            start = time.perf_counter()
            error = attempt(f"SELECT electra_load_preset('{directory}', '{self.preset}', dtype => '{dtype}', "
                            f"max_length => 512{gate})")
            seconds = time.perf_counter() - start
            if error is not None:
                raise Missing(f"electra {dtype}, {model}: {error}")
            start = time.perf_counter()
            attempt(f"SELECT electra_prewarm('{self.preset}')")
            self.loaded[self.preset] = (1000 * seconds, 1000 * (time.perf_counter() - start))
        self.load_ms, self.image_ms = self.loaded[self.preset]
        self.closed = False
        self.session = Session("SET max_parallel_workers_per_gather = 0", "SET jit = off", *settings)
        self.session.pin(core)
        self.version = self.session.run("SELECT extversion FROM pg_extension WHERE extname = 'electra'")

    def run(self, statement):
        try:
            return self.session.run(statement)
        except (SystemExit, OSError):
            raise Missing(f"{self.engine} {self.dtype}: the server refused {statement[:100]}") from None

    def prepare(self, lengths):
        pass

    def time(self, texts, first, count):
        times = []
        while len(times) < count:
            start = (first + len(times)) % len(texts.texts)
            times += array_of(self.run(
                f"SELECT time_rows('{texts.name}', '{self.preset}', {start}, {count - len(times)})"))
        return times

    def vectors(self, texts, count):
        """Of the first so many texts."""
        output = self.run(
            f"SELECT electra_embed(body, '{self.preset}') FROM {texts.name} WHERE id < {count} ORDER BY id")
        return [array_of(line) for line in output.split("\n")]

    def vectors_of_rows(self, texts, _):
        return self.vectors(texts, len(texts.texts))

    def keep(self, texts):
        pass

    def rows(self, texts, batch, count, first=0):
        """Milliseconds, as the client sees them, to embed so many rows one by one or in one call."""
        chosen = f"{texts.name} WHERE id >= {first} AND id < {first + count}"
        start = time.perf_counter()
        if batch == 1:
            self.run(f"SELECT count(electra_embed(body, '{self.preset}')) FROM {chosen}")
        else:
            self.run(f"SELECT count(embedding) FROM electra_embed_batch((SELECT array_agg(body) FROM {chosen}), "
                     f"'{self.preset}')")
        return 1000 * (time.perf_counter() - start)

    def memory(self, field):
        return self.session.memory(field)

    def close(self):
        self.closed = True
        self.session.close()
