"""Makes seizure.json and seizure/: values of SciPy, PyWavelets, scikit-learn, NumPy and edfio for the fuzzy system and the
readers of recordings.

    python3 seizure.py        # numpy, scipy, scikit-learn, PyWavelets, edfio; writes seizure.json and seizure/
"""
import json
import pathlib

import numpy as np
import pywt
import scipy.io
import scipy.linalg
import scipy.stats
from edfio import BdfSignal, Bdf, Edf, EdfAnnotation, EdfSignal
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.linear_model import Ridge

rng = np.random.default_rng(11)
here = pathlib.Path(__file__).parent
folder = here / "seizure"
folder.mkdir(exist_ok=True)

# Groups by both linkages, numbered in the order of their first rows.
rows = np.concatenate([rng.normal(size=(15, 3)) * s + c for s, c in [(1, 0), (0.5, 4), (2, [8, 0, 0])]])
def groups(method, most):
    found = fcluster(linkage(rows, method), most, "maxclust")
    order = {}
    return [order.setdefault(g, len(order)) for g in found]
clusters = [dict(method=m, most=k, groups=groups(m, k)) for m in ("average", "ward") for k in (2, 3, 5)]

# Wavelet packet and spectrum of a segment.
time = np.arange(256) / 256
segment = np.sin(2 * np.pi * 7 * time) * 20 + rng.normal(size=256) * 5 + 3
packet = pywt.WaveletPacket(segment, "db4", mode="symmetric", maxlevel=6)
energies = [float((node.data ** 2).sum()) for node in packet.get_level(6, order="freq")]
power = 2 * np.abs(np.fft.rfft(segment - segment.mean())) ** 2 / 256 ** 2
bands = [(0.5, 2), (2, 4), (4, 6), (6, 8), (8, 12), (12, 18), (18, 24), (24, 30)]
bins = np.arange(129.0)
log_power = [float(np.log(power[(bins >= a) & (bins < b)].mean() + 1e-6)) for a, b in bands]
centred = segment - segment.mean()
lags = [float((centred[: 256 - k] * centred[k:]).sum()) for k in range(5)]
mobility = lambda x: np.sqrt(np.diff(x).var() / x.var())
statistics = [
    np.log(np.abs(np.diff(segment)).sum() / 256 + 1e-6), np.log(segment.var() + 1e-6), mobility(segment),
    mobility(np.diff(segment)) / mobility(segment), scipy.stats.kurtosis(segment),
    (np.diff((centred < 0).astype(int)) != 0).sum() / 256, *scipy.linalg.solve_toeplitz(lags[:4], lags[1:]),
    np.log(np.sqrt((segment ** 2).mean()) + 1e-6), np.log(np.ptp(segment) + 1e-6)]

# Rule features and ridge regression on them.
x = rng.normal(size=(40, 3))
group = np.arange(40) % 3
x += group[:, None]
centers = np.array([x[group == g].mean(0) for g in range(3)])
widths = np.array([x[group == g].std(0) + 1e-6 for g in range(3)])
fired = np.exp(-(((x[:, None] - centers) ** 2) / (2 * widths ** 2)).sum(-1))
fired /= fired.sum(1, keepdims=True)
g = np.concatenate([fired[:, [m]] * np.c_[x, np.ones(40)] for m in range(3)], 1)
y = np.eye(2)[(x.sum(1) > 3).astype(int)]
ridge = Ridge(alpha=0.3, fit_intercept=False, solver="cholesky", tol=1e-14).fit(g, y).coef_.T
plain = Ridge(alpha=0.3, fit_intercept=False, solver="cholesky").fit(np.c_[x, np.ones(40)], y).coef_.T

# Alignment of covariances, and components of transfer.
source = rng.normal(size=(30, 4)) @ rng.normal(size=(4, 4)) + 1
target = rng.normal(size=(25, 4)) @ rng.normal(size=(4, 4)) - 1
root = lambda m: np.real(scipy.linalg.sqrtm(m))
cs, ct = np.cov(source.T) + np.eye(4), np.cov(target.T) + np.eye(4)
coral = (source - source.mean(0)) @ np.linalg.inv(root(cs)) @ root(ct) + target.mean(0)
both = np.r_[source, target]
u = np.r_[np.full(30, 1 / 30), np.full(25, -1 / 25)]
scatter = (both - both.mean(0)).T @ (both - both.mean(0))
apart = both.T @ u
values, vectors = scipy.linalg.eigh(scatter, np.outer(apart, apart) + np.eye(4))
tca = vectors[:, ::-1][:, :2]

friedman_rows = rng.normal(size=(8, 4)).round(1)
statistic, p = scipy.stats.friedmanchisquare(*friedman_rows.T)

# Files.
wave = np.round(np.sin(2 * np.pi * 3 * np.arange(512) / 128) * 100, 3)
other = np.round(np.cos(2 * np.pi * 5 * np.arange(1024) / 256) * 40, 3)
signals = [EdfSignal(wave, 128, label="F7-T7", physical_dimension="uV", physical_range=(-200, 200)),
           EdfSignal(other / 1000, 256, label="T7-P7", physical_dimension="mV", physical_range=(-0.2, 0.2))]
annotations = [EdfAnnotation(1.5, 2.0, "seizure"), EdfAnnotation(0.5, None, "interictal discharge"),
               EdfAnnotation(3.25, 0.5, "eyes closed, Müller")]
Edf(signals).write(folder / "plain.edf")
Edf(signals, annotations=annotations).write(folder / "annotated.edf")
Bdf([BdfSignal(wave, 128, label="F7-T7", physical_dimension="uV", physical_range=(-200, 200))],
    annotations=annotations[:1]).write(folder / "annotated.bdf")
scipy.io.savemat(folder / "packed.mat", {"ictal": wave[:64, None], "fs": 128.0}, do_compression=True)
scipy.io.savemat(folder / "plain.mat", {"x": np.stack([wave[:64], other[:64]]).astype(np.int16)})

result = dict(
    rows=rows.tolist(), clusters=clusters, segment=segment.tolist(), energies=energies, log_power=log_power,
    statistics=[float(v) for v in statistics], x=x.tolist(), group=group.tolist(), y=y.tolist(), features=g.tolist(),
    ridge=ridge.tolist(), plain=plain.tolist(), source=source.tolist(), target=target.tolist(), coral=coral.tolist(),
    tca=tca.tolist(), friedman_rows=friedman_rows.tolist(), friedman=[float(statistic), float(p)], wave=wave.tolist(),
    other=other.tolist())
(here / "seizure.json").write_text(json.dumps(result) + "\n")
