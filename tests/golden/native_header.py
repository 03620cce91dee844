#!/usr/bin/env python3
"""Writes native.header: the header of the tests' tiny model with all weights 0, without its padding.

usage: native_header.py [FILE.safetensors]     also writes the whole model file there
Run it again when the option table changes; then also tests/fuzz/make_model_corpus.py."""
import pathlib
import sys

import native_file as native

tensors = {name: ("F32", shape, bytes(4 * native.elements(shape))) for name, shape in native.shapes().items()}
tensors["textclf.vocab"] = ("U8", [len(native.VOCABULARY)], native.VOCABULARY)
header, data = native.header_and_data(tensors, native.metadata())
whole = native.assemble(header, data)
folder = pathlib.Path(__file__).resolve().parent
(folder / "native.header").write_bytes(whole[8:8 + len(header.encode())] + b"\n")
if len(sys.argv) > 1:
    pathlib.Path(sys.argv[1]).write_bytes(whole)
