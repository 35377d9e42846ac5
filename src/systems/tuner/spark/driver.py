"""Runs queries on Spark for `qgraft run tuner --spark`.

Reads one JSON object a line from standard input and answers each with one line on standard output; all else that Spark or Python
prints goes to standard error. Requests:

  {"do": "open", "master": M, "tables": DIR, "names": [NAME], "settings": {NAME: VALUE}, "events": DIR}
      starts a session with these settings, in place of the one before; the tables are Parquet files or folders of DIR
  {"do": "run", "sql": TEXT, "settings": {NAME: VALUE}, "limit": SECONDS or null}
      runs one query under these settings of the session
  {"do": "metrics"}
      means over the tasks since the last `open`, of the event log
  {"do": "close"}

Answers have "ok". A query that fails has "ok": false and "error", which is "timeout" if it was stopped. The end of the input ends the
program, and with it Spark's.
"""

import glob
import json
import os
import queue
import shutil
import sys
import threading
import time

# Lines of the protocol go to the real standard output; what libraries print does not.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

# Of the metrics of a task in the event log: name, path, factor to the unit in the name.
METRICS = [
    ("run_ms", ["Executor Run Time"], 1.0),
    ("cpu_ms", ["Executor CPU Time"], 1e-6),
    ("deserialize_ms", ["Executor Deserialize Time"], 1.0),
    ("gc_ms", ["JVM GC Time"], 1.0),
    ("result_bytes", ["Result Size"], 1.0),
    ("spilled_memory_bytes", ["Memory Bytes Spilled"], 1.0),
    ("spilled_disk_bytes", ["Disk Bytes Spilled"], 1.0),
    ("input_bytes", ["Input Metrics", "Bytes Read"], 1.0),
    ("shuffle_read_bytes", ["Shuffle Read Metrics", "Local Bytes Read"], 1.0),
    ("shuffle_remote_bytes", ["Shuffle Read Metrics", "Remote Bytes Read"], 1.0),
    ("shuffle_written_bytes", ["Shuffle Write Metrics", "Shuffle Bytes Written"], 1.0),
]


def find(tables, name):
    """Path and bytes of a table: NAME.parquet or NAME, a file or a folder. What a URL leads to is not looked at."""
    if "://" in tables:
        return tables.rstrip("/") + "/" + name + ".parquet", 0
    for path in (os.path.join(tables, name + ".parquet"), os.path.join(tables, name)):
        if os.path.isfile(path):
            return path, os.path.getsize(path)
        if os.path.isdir(path):
            return path, sum(os.path.getsize(file) for file in glob.glob(os.path.join(path, "*")))
    return None, 0


class Driver:
    def __init__(self):
        self.session = None
        self.events = None

    def open(self, request):
        from pyspark.sql import SparkSession

        self.close(request)
        began = time.monotonic()
        builder = SparkSession.builder.master(request["master"]).appName("qgraft tuner")
        settings = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "ERROR",
            "spark.eventLog.enabled": "true",
            "spark.eventLog.compress": "false",
            "spark.eventLog.dir": "file://" + os.path.abspath(request["events"]),
            "spark.sql.warehouse.dir": os.path.join(os.path.abspath(request["events"]), "warehouse"),
            **request["settings"],
        }
        if request["master"].startswith("local"):
            # Workers elsewhere have disks of their own.
            settings["spark.local.dir"] = os.path.abspath(request["events"])
        for name, value in settings.items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")
        self.events = request["events"]
        tables = {}
        for name in request["names"]:
            path, size = find(request["tables"], name)
            if path is not None:
                self.session.read.parquet(path).createOrReplaceTempView(name)
                tables[name] = size
        context = self.session.sparkContext
        return {
            "version": self.session.version,
            "cores": context.defaultParallelism,
            "tables": tables,
            "seconds": time.monotonic() - began,
        }

    def run(self, request):
        for name, value in request["settings"].items():
            self.session.conf.set(name, value)
        context, stopped = self.session.sparkContext, threading.Event()

        def stop():
            stopped.set()
            context.cancelAllJobs()

        timer = threading.Timer(request["limit"], stop) if request.get("limit") else None
        began = time.monotonic()
        try:
            if timer:
                timer.start()
            rows = len(self.session.sql(request["sql"]).collect())
        except Exception as error:
            if stopped.is_set():
                raise TimeoutError("timeout") from error
            raise
        finally:
            if timer:
                timer.cancel()
        seconds = time.monotonic() - began
        # Planning can go past the limit without a job that could be stopped.
        if stopped.is_set():
            raise TimeoutError("timeout")
        return {"seconds": seconds, "rows": rows}

    def metrics(self, _):
        """The log of a session is complete when it was stopped, so this closes it."""
        application = self.session.sparkContext.applicationId
        self.close({})
        sums, tasks, stages = {name: 0.0 for name, _, _ in METRICS}, 0, 0
        for path in glob.glob(os.path.join(self.events, application + "*")):
            with open(path) as file:
                for line in file:
                    event = json.loads(line)
                    if event["Event"] == "SparkListenerStageCompleted":
                        stages += 1
                    if event["Event"] != "SparkListenerTaskEnd" or not event.get("Task Metrics"):
                        continue
                    tasks += 1
                    for name, path_of, factor in METRICS:
                        value = event["Task Metrics"]
                        for key in path_of:
                            value = value.get(key, {}) if isinstance(value, dict) else 0
                        sums[name] += factor * value if isinstance(value, (int, float)) else 0.0
        means = {name: value / max(tasks, 1) for name, value in sums.items()}
        return {"metrics": {**means, "tasks": tasks, "stages": stages}}

    def close(self, _):
        if self.session is not None:
            self.session.stop()
            self.session = None
        return {}


def main():
    driver, requests = Driver(), queue.Queue()

    def read():
        for line in sys.stdin:
            requests.put(line)
        requests.put(None)
        # The program that asked is gone: a query that still runs is of no use to anybody.
        time.sleep(20)
        os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    while (line := requests.get()) is not None:
        request = json.loads(line)
        try:
            answer = {"ok": True, **getattr(driver, request["do"])(request)}
        except Exception as error:
            # What Java says of its errors goes on for pages; the first line says what happened.
            java = getattr(error, "java_exception", None)
            text = str(java.toString() if java is not None else error).strip().splitlines() or [type(error).__name__]
            answer = {"ok": False, "error": text[0][:300]}
        print(json.dumps(answer), file=answers)
        if request["do"] == "close":
            break
    driver.close({})
    if line is None:
        # Nobody is left who would remove this program and its logs.
        shutil.rmtree(os.path.dirname(os.path.abspath(__file__)), ignore_errors=True)


if __name__ == "__main__":
    main()
