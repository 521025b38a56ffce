"""Starts the peers, one process each on one core, and asks them."""
import json
import os
import select
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))

FLOAT32 = ("ONNX Runtime", "OpenVINO", "torch", "Keras-Hub")
INT8 = ("ONNX Runtime", "OpenVINO")
NAMES = {("ONNX Runtime", "int8"): "ONNX Runtime dynamic", ("OpenVINO", "int8"): "OpenVINO NNCF"}
FORMS = {"ONNX Runtime": ("onnx",), "OpenVINO": ("openvino",), "Keras-Hub tokenizer": ("keras-preset",)}
ENDINGS = {"onnx": ".onnx", "openvino": ".xml", "keras": ""}

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3",
    "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "MPLBACKEND": "Agg",
}
# AMX is switched off for those who heed this (ONNX Runtime does not), and measured beside where a machine has it; in
# float32 nobody uses it.
WITHOUT_AMX = {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI"}
WITH_AMX = " with AMX"
# Seconds after which an answer is given up, and so is the conversion of a model.
PATIENCE = 300


class Missing(Exception):
    """A peer that cannot be had here, and why."""


def machine_has_amx():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        return " amx_tile" in file.read()


def variants(engines, dtype):
    """(engine, with AMX)"""
    found = [(engine, False) for engine in engines]
    if dtype == "int8" and "OpenVINO" in engines and machine_has_amx():
        found.append(("OpenVINO", True))
    return found


def last_lines(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    return lines[-1][:300] if lines else "no message"


def convert(form, directory, folder):
    """Path of the model in a form of peer_models.py, made on first use."""
    path = os.path.join(folder, f"{os.path.basename(directory)}-{form}{ENDINGS[form.split('-')[0]]}")
    if not os.path.exists(path):
        log = os.path.join(folder, "convert.log")
        with open(log, "w", encoding="utf-8") as output:
            try:
                done = subprocess.run([sys.executable, os.path.join(HERE, "peer_models.py"), form, directory, path],
                                      stdout=output, stderr=output, env=dict(os.environ, **ENVIRONMENT), check=False,
                                      timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                raise Missing(f"{form} was not made in {PATIENCE} s") from None
        if done.returncode != 0:
            raise Missing(f"{form} could not be made: {last_lines(log)}")
    return path


def each_that_works(bench, engines, do):
    """What do() gives for each engine; one that fails is named and left out from then on."""
    found = {}
    for engine in list(engines):
        try:
            found[engine] = do(engine)
        except Missing as reason:
            bench.missing(str(reason))
            engines.remove(engine)
            engine.close()
    return found


class Peer:
    """A peer's process; the methods of peer_worker.Worker through ask()."""

    def __init__(self, engine, dtype, directory, folder, core, amx=False, batches=False):
        self.dtype = dtype
        self.engine = NAMES.get((engine, dtype), engine) + (WITH_AMX if amx else "")
        self.version, self.closed = "", False
        suffix = "-int8" if dtype == "int8" else ""
        forms = {form + suffix: convert(form + suffix, directory, folder)
                 for name in FORMS.get(engine, ()) for form in ((name, name + "-masked") if batches else (name,))}
        environment = dict(os.environ, **ENVIRONMENT, **({} if amx else WITHOUT_AMX))
        self.log = tempfile.NamedTemporaryFile("w", dir=folder, suffix=".log")
        start = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "peer_worker.py"), engine, dtype, directory, str(core),
             json.dumps(forms)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)
        self.version = self.answer()["version"]
        self.load_ms = 1000 * (time.perf_counter() - start)

    def answer(self):
        # One line answers one request, so nothing lies in the buffer.
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            self.process.kill()
            raise Missing(f"{self.engine}: no answer in {PATIENCE} s")
        line = self.process.stdout.readline()
        if not line:
            raise Missing(f"{self.engine}: {last_lines(self.log.name)}")
        answer = json.loads(line)
        if "error" in answer:
            raise Missing(f"{self.engine}: {answer['error']}")
        return answer

    def ask(self, do, **arguments):
        try:
            self.process.stdin.write(json.dumps(dict(arguments, do=do)) + "\n")
            self.process.stdin.flush()
        except OSError:
            raise Missing(f"{self.engine}: {last_lines(self.log.name)}") from None
        return self.answer()["result"]

    def prepare(self, lengths):
        self.ask("prepare", lengths=list(lengths))

    def time(self, texts, first, count):
        """Milliseconds of each of so many texts, from the first on."""
        return self.ask("time", ids=[texts.ids[(first + n) % len(texts.ids)] for n in range(count)])

    def vectors(self, texts, count):
        """Of the first so many texts."""
        return self.ask("vectors", ids=texts.ids[:count])

    def keep(self, texts):
        self.ask("keep", name=texts.name, texts=texts.texts)

    def rows(self, texts, batch, count, first=0):
        return self.ask("rows", name=texts.name, batch=batch, count=count, first=first)

    def vectors_of_rows(self, texts, batch):
        return self.ask("vectors_of_rows", name=texts.name, batch=batch)

    def tokenize(self, texts):
        return self.ask("tokenize", name=texts.name)

    def ids(self, texts):
        return self.ask("ids", name=texts.name)

    def memory(self, field):
        """kB of one line of /proc/PID/smaps_rollup."""
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))

    def close(self):
        self.closed = True
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()
