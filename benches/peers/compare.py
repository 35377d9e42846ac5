"""qgraft beside other simulators, case by case, in one run on one thread: `compare.py [--python P] [--budget S] [--rounds R] [CASE…]`.

Prints a Markdown table: least times, the fastest other tool, how many times as fast qgraft is, and the goal. Tools take turns within
a round, so that a busy moment meets all of them; the least over the rounds counts. Where a tool gives the same quantity its checksum
is compared too. Build both programs first:

    cargo build --release
    RUSTFLAGS="-C target-cpu=native" cargo build --release --manifest-path benches/peers/Cargo.toml
    pip install pennylane-lightning qulacs qsimcirq numpy torch
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
BENCHES = HERE.parent

# name, `qgraft bench` arguments, other tools, goal (times as fast as the fastest of them)
STATES = ["prism-q", "lightning", "qulacs"]
CASES = (
    [(f"random n = {n}", ["sv", f"random_n{n:02}", "double"], STATES, goal) for n, goal in
     [(4, 1.5), (8, 1.5), (12, 2), (16, 2), (20, 2.5), (24, 2)]]
    + [(f"random n = {n}, single", ["sv", f"random_n{n}", "single"], ["qsim"], 1.3) for n in (20, 24)]
    + [(f"Fourier transform n = {n}", ["sv", f"qft_n{n}", "double"], STATES, 1.3) for n in (16, 20, 24)]
    + [("ansatz n = 20", ["sv", "ansatz_n20", "double"], STATES, 2)]
    + [(f"gradient n = {n}, {b} row{'s' * (b > 1)}", ["grad", n, 6, b], ["prism-q", "yao"], goal) for n, b, goal in
       [(4, 32, 10), (8, 32, 8), (12, 32, 4), (16, 1, 4), (16, 32, 4)]]
    + [("noisy gradient n = 4, 16 rows", ["grad", 4, 3, 16, "head_n04"], ["default.mixed"], 50)]
    + [(f"density matrix n = {n}", ["density", f"{device}_n{n:02}"], ["prism-q"], 2) for n, device in
       [(4, "manila"), (8, "guadalupe"), (10, "guadalupe")]]
    + [(f"1,024 trajectories n = {n}", ["trajectory", f"{device}_n{n:02}", 1024], ["prism-q"], goal) for n, device, goal in
       [(4, "manila", 3), (8, "guadalupe", 3), (12, "guadalupe", 2), (16, "guadalupe", 2)]]
)


def files(case):
    folder = BENCHES / ("circuits" if case[0] == "sv" else "noisy")
    return str(folder / f"{case[1]}.qasm"), str(folder / f"{case[1]}.json")


def qgraft(program, case, budget):
    kind = case[0]
    if kind == "sv":
        words = ["sv", "--circuit", files(case)[0], "--precision", case[2]]
    elif kind == "grad":
        noise = ["--noise", BENCHES / "noisy" / f"{case[4]}.json"] if case[4:] else []
        words = ["grad", "--qubits", case[1], "--layers", case[2], "--batch", case[3], *noise]
    else:
        circuit, noise = files(case)
        shots = ["--shots", case[2]] if kind == "trajectory" else []
        words = ["noisy", "--circuit", circuit, "--noise", noise, "--engine", kind, *shots]
    line = json.loads(output([program, "bench", *words, "--threads", 1, "--budget", budget, "--json"]))
    return line["seconds_min"], line["checksum"]


def peer(options, tool, case, budget):
    kind = case[0]
    if tool in ("prism-q", "yao"):
        given = case[1:] if kind == "grad" else [files(case)[0]] if kind == "sv" else [*files(case), *case[2:]]
        words = [options.peers, tool, kind, *given, budget]
    elif kind == "grad":
        words = [options.python, HERE / "mixed.py", *case[1:4], BENCHES / "noisy" / f"{case[4]}.json", budget]
    else:
        words = [options.python, HERE / "peers.py", tool, files(case)[0], budget]
    _, least, checksum = map(float, output(words).split())
    return least, checksum


def output(words):
    threads = {"RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    ran = subprocess.run([str(word) for word in words], capture_output=True, text=True, env=os.environ | threads)
    if ran.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\n{ran.stderr}")
    return ran.stdout


def shown(seconds):
    for unit, size in (("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)):
        if seconds < 1000 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--qgraft", default=BENCHES.parent / "target/release/qgraft")
    parser.add_argument("--peers", default=HERE / "target/release/peers")
    parser.add_argument("--budget", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("cases", nargs="*", help="beginnings of case names; all if none")
    options = parser.parse_args()
    print("| case | qgraft | others | times as fast | goal |\n|---|---|---|---|---|")
    for name, case, tools, goal in CASES:
        if options.cases and not any(name.startswith(start) for start in options.cases):
            continue
        ours, others = [], {tool: [] for tool in tools}
        for _ in range(options.rounds):
            seconds, checksum = qgraft(options.qgraft, case, options.budget)
            ours.append(seconds)
            for tool in tools:
                least, other = peer(options, tool, case, options.budget)
                others[tool].append(least)
                known = {"sv": 1e-9 if case[-1] == "double" else 1e-4, "density": 1e-9, "trajectory": 0.1, "default.mixed": 1e-9}
                tolerance = known.get(tool, known.get(case[0]))
                if tolerance and abs(checksum - other) > tolerance:
                    sys.exit(f"{name}: {tool} computes something else, checksum {other} instead of {checksum}")
        least = {tool: min(seconds) for tool, seconds in others.items()}
        ranked = sorted(least, key=least.get)
        listed = ", ".join(f"{shown(least[tool])} {tool}" for tool in ranked)
        print(f"| {name} | {shown(min(ours))} | {listed} | {least[ranked[0]] / min(ours):.1f} | {goal} |", flush=True)


main()
