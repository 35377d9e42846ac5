"""Circuits as JAX functions."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import jax.numpy as jnp
import qgraft
from circuits import layered
from qgraft.jax import quantum_layer

jax.config.update("jax_enable_x64", True)


@pytest.fixture(scope="module")
def parts():
    run = qgraft.Run(layered(3, 2), ["Z0", "Z1 X2"], "manila")
    rng = np.random.default_rng(5)
    return run, quantum_layer(run, inputs=3), jnp.asarray(rng.normal(size=(4, 3))), jnp.asarray(rng.normal(size=6))


def test_values_and_gradients(parts):
    run, layer, x, weights = parts
    np.testing.assert_allclose(layer(x, weights), run.expect(x, weights), atol=1e-12)
    np.testing.assert_allclose(layer(x[0], weights), run.expect(x, weights)[0], atol=1e-12)
    by_x, by_weights = jax.jit(jax.grad(lambda x, w: jnp.sum(layer(x, w) ** 2), argnums=(0, 1)))(x, weights)
    expected = run.vjp(2 * run.expect(x, weights), x, weights)
    np.testing.assert_allclose(by_x, expected[0], atol=1e-12)
    np.testing.assert_allclose(by_weights, expected[1], atol=1e-12)


def test_vmap(parts):
    _, layer, x, weights = parts
    grad = jax.grad(lambda x, w: jnp.sum(layer(x, w)), argnums=(0, 1))
    by_x, by_weights = grad(x, weights)
    each_x, each_weights = jax.vmap(grad, in_axes=(0, None))(x, weights)
    np.testing.assert_allclose(each_x, by_x, atol=1e-12)
    np.testing.assert_allclose(each_weights.sum(axis=0), by_weights, atol=1e-12)
    sets = jnp.stack([weights, weights + 1])
    np.testing.assert_allclose(jax.vmap(layer, in_axes=(None, 0))(x, sets)[0], layer(x, weights), atol=1e-12)
    np.testing.assert_allclose(jax.vmap(grad, in_axes=(None, 0))(x, sets)[1][0], by_weights, atol=1e-12)


def test_types_and_bad_input(parts):
    _, layer, x, weights = parts
    assert layer(x.astype(jnp.float32), weights).dtype == jnp.float32
    assert layer(jnp.ones((2, 3), dtype=int), weights).shape == (2, 2)
    assert layer(jnp.zeros((0, 3)), weights).shape == (0, 2)
    for wrong in ((x[:, :2], weights), (x, weights[:2]), (x[0, 0], weights)):
        with pytest.raises(ValueError):
            layer(*wrong)
    with pytest.raises(Exception, match="finite"):
        layer(x * jnp.nan, weights).block_until_ready()
    with pytest.raises(NotImplementedError, match="gradient"):
        jax.grad(lambda v: jnp.sum(jax.grad(lambda w: jnp.sum(layer(x, w)))(v)))(weights)
