"""machine.py: the machine's name and what it can do at most (bench_machine), for printing beside every figure."""
import json
import platform
import re
import subprocess
from pathlib import Path


def _sysfs(path):
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _caches():
    """-> {"L1d": "32K", "L2": "1024K", ...} of one core"""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind = {"Data": "d", "Instruction": "i"}.get(_sysfs(index / "type"), "")
        found[f"L{_sysfs(index / 'level')}{kind}"] = _sysfs(index / "size")
    return found


def description():
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    entry = {key: (re.search(rf"^{key}\s*: (.*)$", text, re.MULTILINE) or ["", "?"])[1]
             for key in ("model name", "cpu family", "model")}
    return {"processor": entry["model name"], "family": entry["cpu family"], "model": entry["model"],
            "cores": len(re.findall(r"^processor\s*:", text, re.MULTILINE)), "caches": _caches(),
            "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
            "python": platform.python_version()}


class Limits:
    """What one core and two cores at once can do: the most of what was measured, when made and `again`."""

    def __init__(self, build):
        program = Path(build) / "bench" / "bench_machine"
        if not program.exists():
            raise SystemExit(f"{program} is not there; build with -DTEXTCLF_BENCH=ON")
        self._program, self.rows = program, {}
        self.again()

    def _ask(self, option):
        return subprocess.run([self._program, option], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout

    def again(self):
        """Beside each figure: a virtual machine has both its cores on one of the host's for a while, and then reaches
        half of its peak."""
        for row in json.loads(self._ask("--json")):
            best = self.rows.setdefault(row["threads"], row)
            for kind, value in row["fma_gflops"].items():
                best["fma_gflops"][kind] = max(best["fma_gflops"][kind], value)
            for block, now in zip(best["read"], row["read"]):
                block.update({kind: max(block[kind], now[kind]) for kind in ("forward_gbs", "turning_gbs")})

    def exchange(self):
        """Nanoseconds of a number to the other core and back, now. A virtual machine's cores are near each other at one
        time and far at another; where they are far, two threads of small steps lose on every side."""
        return float(self._ask("--exchange"))

    def _row(self, threads):
        return self.rows.get(threads) or self.rows[max(self.rows)]

    def gflops(self, threads):
        return max(self._row(threads)["fma_gflops"].values())

    def gbs(self, threads, kilobytes):
        """The rate at which `threads` cores at once read blocks of that size each, again and again."""
        rows = self._row(threads)["read"]
        row = next((row for row in rows if row["kib"] >= kilobytes), rows[-1])
        return max(row["forward_gbs"], row["turning_gbs"])

    def multiply_adds(self, threads, flops_a_second):
        """The `limit` of a figure that is bound by arithmetic."""
        peak = self.gflops(threads)
        return {"of": "multiply-add peak", "unit": "GFLOP/s", "value": peak, "reached": flops_a_second * 1e-9,
                "share": flops_a_second * 1e-9 / peak, "enough": 0.88}

    def reading(self, threads, kilobytes, bytes_a_second):
        """The `limit` of a figure that is bound by reading `kilobytes` a core again and again."""
        rate = self.gbs(threads, kilobytes)
        return {"of": f"reading {kilobytes:.0f} KB a core", "unit": "GB/s", "value": rate,
                "reached": bytes_a_second * 1e-9, "share": bytes_a_second * 1e-9 / rate, "enough": 0.85}

    def as_json(self):
        return list(self.rows.values())
