"""conversion.py: models with other weights than f32, through the program, where the library has them."""
import subprocess
from pathlib import Path


def has_weights(build):
    """Whether the library has the option `weights` (f32, bf16, int8), by what `textclf options` lists."""
    text = subprocess.run([Path(build) / "src" / "textclf", "options"], check=True, stdout=subprocess.PIPE,
                          encoding="utf-8").stdout
    return any(line.split()[:1] == ["weights"] for line in text.splitlines())


def convert(model, weights, build):
    """Writes MODEL.WEIGHTS beside the model, by `textclf convert`; f32 is the model itself."""
    if weights == "f32":
        return
    if not has_weights(build):
        raise SystemExit(f"--weights {weights}: this library has no option `weights`")
    subprocess.run([Path(build) / "src" / "textclf", "convert", model, f"{model}.{weights}", "--weights", weights],
                   check=True, stderr=subprocess.DEVNULL)
