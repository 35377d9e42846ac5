"""Circuits as PyTorch modules."""

import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import qgraft
from circuits import layered
from qgraft.torch import QuantumLayer, expect

OBSERVABLES = ["Z0", "Z1 X2"]


def layer(condition=None):
    torch.manual_seed(1)
    return QuantumLayer(layered(3, 2), OBSERVABLES, inputs=3, condition=condition)


@pytest.mark.parametrize("condition", [None, "manila"])
def test_gradcheck(condition):
    module = layer(condition).double()
    rows = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, w: expect(module.run, x, w), (rows, module.weights))


def test_shapes_and_types():
    module = layer()
    for shape in [(3,), (5, 3), (2, 5, 3), (0, 3)]:
        for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
            values = module(torch.zeros(shape, dtype=dtype))
            assert values.shape == (*shape[:-1], 2) and values.dtype == dtype
    strided = torch.randn(6, 8)[::2, 1:7:2]
    torch.testing.assert_close(module(strided), module(strided.contiguous()))
    assert module(torch.zeros(2, 3)).requires_grad
    with torch.no_grad():
        assert not module(torch.zeros(2, 3)).requires_grad


@pytest.mark.parametrize("condition", [None, "manila"])
def test_probabilities_are_trained(condition):
    torch.manual_seed(2)
    circuit = layered(3, 1).copy()
    measured = qgraft.Circuit(3, 2)
    for name in circuit.slots:
        measured.slot(name)
    measured.extend(circuit).measure(0, 0).measure(2, 1)
    module = QuantumLayer(measured, "probabilities", inputs=3, condition=condition).double()
    rows = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    values = module(rows)
    assert values.shape == (4, 4)
    torch.testing.assert_close(values.sum(1), torch.ones(4, dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda x, w: expect(module.run, x, w), (rows, module.weights))
    loss = torch.nn.functional.nll_loss(values.log(), torch.tensor([0, 1, 2, 3]))
    loss.backward()
    assert module.weights.grad.abs().sum() > 0
    torch.testing.assert_close(torch.vmap(module)(rows.detach()), values.detach())


def test_it_learns():
    module, rows = layer("manila"), torch.randn(16, 3)
    target = torch.sin(rows[:, :1])
    optimiser = torch.optim.Adam(module.parameters(), 0.05)
    losses = []
    for _ in range(15):
        optimiser.zero_grad()
        loss = ((module(rows)[:, :1] - target) ** 2).mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_second_derivatives_are_refused():
    module = layer()
    rows = torch.randn(2, 3, requires_grad=True)
    slope = torch.autograd.grad(module(rows).sum(), rows, create_graph=True)[0]
    with pytest.raises(NotImplementedError, match="second derivatives"):
        slope.sum().backward()


def test_transforms_of_functions():
    module = layer().double()
    rows = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    expected = torch.autograd.grad(module(rows).sum(), rows)[0]
    rows = rows.detach()
    one = lambda row: module(row).sum()
    torch.testing.assert_close(torch.func.grad(lambda x: module(x).sum())(rows), expected)
    torch.testing.assert_close(torch.vmap(torch.func.grad(one))(rows), expected)
    torch.testing.assert_close(torch.vmap(module)(rows), module(rows))
    assert torch.func.jacrev(module)(rows[0]).shape == (2, 3)
    weights = torch.stack([module.weights, module.weights + 1])
    both = torch.vmap(lambda w: expect(module.run, rows, w))(weights)
    torch.testing.assert_close(both[0], module(rows))


def test_state_dict_and_own_weights():
    module, other = layer(), layer()
    other.load_state_dict(module.state_dict())
    rows = torch.randn(2, 3)
    torch.testing.assert_close(module(rows), other(rows))
    fixed = QuantumLayer(layered(3, 2), OBSERVABLES, inputs=3, init=np.arange(6) / 10)
    assert fixed.weights.dtype == torch.float64
    with pytest.raises(TypeError, match="state_dict"):
        import pickle

        pickle.dumps(module)


def test_bad_input():
    module = layer()
    for wrong in (torch.zeros(2, 4), torch.tensor(0.1), torch.full((2, 3), float("nan")), torch.zeros(2, 3, dtype=torch.complex64)):
        with pytest.raises((ValueError, TypeError, RuntimeError)):
            module(wrong)
    for make in (
        lambda: QuantumLayer(layered(3, 1), "Z0", inputs=9),
        lambda: QuantumLayer(layered(3, 1), [], inputs=3),
        lambda: QuantumLayer(layered(3, 1), "Z0", inputs=3, init=[0.1]),
        lambda: QuantumLayer(qgraft.Run(layered(3, 1), "Z0"), "Z1", inputs=3),
    ):
        with pytest.raises(ValueError):
            make()


def test_two_threads_call_one_layer():
    module, rows = layer().double(), torch.randn(8, 3, dtype=torch.float64)
    expected = torch.func.grad(lambda x: module(x).sum())(rows)
    wrong = []

    def work():
        for _ in range(10):
            own = rows.clone().requires_grad_()
            module(own).sum().backward()
            if not torch.equal(own.grad, expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


class Rows(torch.utils.data.Dataset):
    """A dataset whose workers, which are forked, run circuits."""

    def __init__(self):
        self.run = None

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if self.run is None:
            self.run = qgraft.Run(layered(3, 2), OBSERVABLES, "manila")
        return torch.from_numpy(self.run.expect(np.full((64, 9), index / 10)))


def test_a_data_loader_with_workers():
    data = Rows()
    alone = torch.stack([data[k] for k in range(8)])
    loader = torch.utils.data.DataLoader(Rows(), batch_size=2, num_workers=2)
    torch.testing.assert_close(torch.cat(list(loader)), alone)
