from __future__ import annotations

import json
import random
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.base import device
from WeakMedSAMLib.engine.base.device import choose_device, describe_devices, precision_for, seed_everything
from WeakMedSAMLib.engine.base.precision import network_dtype

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")


@pytest.fixture
def machine(monkeypatch):
    """Pretend to another machine."""

    def pretend(cuda=0, mps=False, sm=(8, 0), cpu=None):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: sm)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Some GPU")
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5, 8))
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"cpu_name": "Some CPU", **(cpu or {})}, False)

    return pretend


def test_auto_takes_the_best_device_there_is(machine):
    for there, best in (({"cuda": 1, "mps": True}, "cuda"), ({"mps": True}, "mps"), ({}, "cpu")):
        machine(**there)
        assert choose_device().type == best


def test_a_device_that_is_there_is_taken(machine):
    machine(cuda=2, mps=True)
    for name in ("cpu", "cuda", "cuda:1", "mps", " CPU "):
        assert str(choose_device(name)) == name.strip().lower()


@pytest.mark.parametrize("name", ["cuda", "cuda:2", "mps"])
def test_a_device_that_is_missing_is_an_error_with_a_way_out(machine, name):
    machine(cuda=2 if name == "cuda:2" else 0)
    with pytest.raises(UserError) as caught:
        choose_device(name)
    assert caught.value.code == "device_missing"
    assert name in caught.value.message
    assert "auto" in caught.value.hint


@pytest.mark.parametrize("name", ["gpu", "", "cpu:1", "cuda:", "cuda:x", "cuda:-1", "mps:0"])
def test_a_word_that_is_no_device_is_an_error(machine, name):
    machine(cuda=1, mps=True)
    with pytest.raises(UserError) as caught:
        choose_device(name)
    assert caught.value.code == "unknown_device"
    assert repr(name) in caught.value.message


def test_precision_is_the_fastest_that_is_native(machine):
    machine(cuda=1, sm=(9, 0))
    assert precision_for(CUDA) is torch.bfloat16
    machine(cuda=1, sm=(7, 5))
    assert precision_for(CUDA) is torch.float16
    machine(mps=True)
    assert precision_for(MPS) is torch.float32


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")
def test_a_cpu_computes_in_bfloat16_only_where_it_has_the_instructions(machine, monkeypatch):
    machine(cpu={"avx512_f": True, "avx2": True})
    assert precision_for(CPU) is torch.float32
    for name in ("avx512_bf16", "amx_bf16", "bf16"):
        machine(cpu={name: True})
        assert precision_for(CPU) is torch.bfloat16
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert precision_for(CPU) is torch.float32


def test_an_older_pytorch_is_asked_by_its_older_names(machine, monkeypatch):
    machine()
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, False)
    assert precision_for(CPU) is torch.bfloat16
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, False)
    assert precision_for(CPU) is torch.float32


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")
def test_networks_compute_in_bfloat16_only_where_it_is_native(machine):
    for there, expected in (({"avx2": True}, torch.float32), ({"avx512_bf16": True}, torch.bfloat16)):
        machine(cpu=there)
        assert network_dtype(CPU) is expected
    for sm, expected in (((7, 5), torch.float32), ((9, 0), torch.bfloat16)):
        machine(cuda=1, sm=sm)
        assert network_dtype(CUDA) is expected
    machine(mps=True)
    assert network_dtype(MPS) is torch.float32


def test_precision_here_is_the_same_at_every_call():
    assert precision_for(CPU) is precision_for(CPU)


def test_the_same_seed_gives_the_same_numbers():
    def draw(seed):
        seed_everything(seed)
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draw(7) == draw(7)
    assert all(a != b for a, b in zip(draw(7), draw(8), strict=True))
    draw(2**40)  # larger than NumPy takes


def test_devices_are_described_for_the_probe(machine):
    machine(cuda=2, sm=(7, 5))
    found = json.loads(json.dumps([asdict(device) for device in describe_devices()]))
    assert [entry["device"] for entry in found] == ["cuda:0", "cuda:1", "cpu"]
    assert found[0] == {
        "device": "cuda:0",
        "name": "Some GPU",
        "memory_bytes": 8,
        "free_bytes": 5,
        "precision": "float16",
    }
    assert found[2]["name"] == "Some CPU"


@pytest.mark.skipif(sys.platform != "linux", reason="compares with Linux' own account")
def test_main_memory_is_what_the_system_says():
    total, free = device.system_memory()
    with open("/proc/meminfo", encoding="ascii") as lines:
        said = int(next(lines).split()[1]) * 1024
    assert total == said
    assert 0 < free < total
