"""Fused boxes and average precision of the random pictures of tests/it/support/boxes.rs, by the packages
ensemble-boxes 1.0.9 and pycocotools 2.0.11; Pascal VOC's by a plain transcript of its rules. Writes boxes.json.

ensemble-boxes keeps fused boxes in float32. `fused` holds its results with that one type replaced by float64, `float32`
those of WBF as it is. Without the package numba its loops run as plain Python, which changes no number.
"""
import contextlib, importlib, io, json, math, sys, time, types, warnings
from pathlib import Path

import numpy as np

try:
    import numba  # noqa: F401
except ImportError:
    sys.modules["numba"] = types.SimpleNamespace(jit=lambda **_: lambda f: f)
import ensemble_boxes  # noqa: F401
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

wbf, nmw, nms = (importlib.import_module(f"ensemble_boxes.ensemble_boxes_{n}") for n in ("wbf", "nmw", "nms"))
warnings.simplefilter("ignore")
MASK = (1 << 64) - 1
CLASSES = 3


class Random:
    def __init__(self, state):
        self.state = state

    def uniform(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        bits = self.state
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
        return ((bits ^ (bits >> 31)) >> 11) / (1 << 53)

    def below(self, end):
        return int(self.uniform() * end)


def anywhere(r):
    x, y = r.uniform(), r.uniform()
    w, h = 0.05 + 0.3 * r.uniform(), 0.05 + 0.3 * r.uniform()
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def detector(things, r):
    found = []
    for corners, label in things:
        for _ in range(2):
            seen = r.uniform() < 0.6
            moved = [edge + 0.05 * (r.uniform() - 0.5) for edge in corners]
            named = label if r.uniform() < 0.85 else r.below(CLASSES)
            score = r.uniform()
            if seen:
                found.append((moved, score, named))
    for _ in range(1 + r.below(4)):
        a, b, c, d = anywhere(r)
        kind = r.below(10)
        corners = [c, b, a, d] if kind == 0 else [a, b, a, d] if kind == 1 else [a, b, c, d]
        label = r.below(CLASSES)
        found.append((corners, r.uniform(), label))
    return found


def case(number):
    r = Random(number)
    things = []
    for _ in range(1 + r.below(8)):
        things.append((anywhere(r), r.below(CLASSES)))
    detectors = [detector(things, r) for _ in range(2 + r.below(4))]
    weights = [0.5 + r.uniform() for _ in detectors]
    return things, detectors, weights


def digest(boxes, scores, labels):
    order = np.argsort(-np.asarray(scores), kind="stable")
    rows = [[*boxes[i], scores[i], labels[i]] for i in order]
    return [len(rows), float(sum(v * math.cos(7 * i + k + 1) for i, row in enumerate(rows) for k, v in enumerate(row)))]


def lists(detectors):
    return [[[row[k] for row in found] for found in detectors] for k in range(3)]


def package_wbf(number, detectors, weights):
    kind = ["avg", "max", "box_and_model_avg", "absent_model_aware_avg"][number % 4]
    return wbf.weighted_boxes_fusion(*lists(detectors), weights=weights, iou_thr=[0.4, 0.55, 0.7][number % 3],
        skip_box_thr=0.1 if number % 5 == 0 else 0.0, conf_type=kind,
        allows_overflow=kind == "avg" and number // 8 % 2 == 1)


def package_nms(number, detectors, weights, method):
    boxes, scores, labels = ([np.array(part) for part in parts] for parts in lists(detectors))
    threshold = [0.4, 0.55, 0.7][number % 3]
    with contextlib.redirect_stdout(io.StringIO()):
        if method == 3:
            return nms.nms(boxes, scores, labels, iou_thr=threshold, weights=weights)
        if weights is not None:
            scores = [s * w / sum(weights) for s, w in zip(scores, weights)]
        boxes, scores, labels = nms.prepare_boxes(*(np.concatenate(p) for p in (boxes, scores, labels)))
    out = [[], [], []]
    for label in np.unique(labels):
        own = boxes[labels == label]
        # The package hands back the scores it started from; those it has lowered are left in the array it is given.
        lowered = scores[labels == label].copy()
        keep = nms.cpu_soft_nms_float(own.copy(), lowered, Nt=threshold, sigma=0.5, thresh=0.001, method=method)
        out[0] += list(own[keep])
        out[1] += list(lowered[lowered > 0.001])
        out[2] += [label] * len(keep)
    return out


class Doubles:
    float32 = np.float64

    def __getattr__(self, name):
        return getattr(np, name)


def inside(box):
    a, b, c, d = (min(max(v, 0.0), 1.0) for v in box)
    box = [min(a, c), min(b, d), max(a, c), max(b, d)]
    return box if (box[2] - box[0]) * (box[3] - box[1]) > 0 else None


def pictures(number):
    """Ten cases as one data set: things, and what the first detector found."""
    truths, found = [], []
    for k in range(10 * number, 10 * number + 10):
        things, detectors, _ = case(k)
        truths.append([(inside(b), l) for b, l in things if inside(b)])
        found.append([(inside(b), s, l) for b, s, l in detectors[0] if inside(b)])
    return truths, found


def coco(truths, found):
    xywh = lambda b: [b[0], b[1], b[2] - b[0], b[3] - b[1]]
    data = {"images": [{"id": i} for i in range(len(truths))], "categories": [{"id": c} for c in range(CLASSES)], "annotations": []}
    for i, things in enumerate(truths):
        for b, l in things:
            w = xywh(b)
            data["annotations"].append({"id": len(data["annotations"]) + 1, "image_id": i, "category_id": l, "bbox": w,
                                        "area": w[2] * w[3], "iscrowd": 0})
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = data
        gt.createIndex()
        dt = gt.loadRes([{"image_id": i, "category_id": l, "bbox": xywh(b), "score": s} for i, f in enumerate(found) for b, s, l in f])
        e = COCOeval(gt, dt, "bbox")
        e.evaluate()
        e.accumulate()
    p = e.eval["precision"][:, :, :, 0, 2]
    return [float(p[:, :, c].mean()) if p[:, :, c].max() > -1 else None for c in range(CLASSES)] + [
        float(p[p > -1].mean()), float(p[0][p[0] > -1].mean()), float(p[5][p[5] > -1].mean())]


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)


def voc(truths, found, label):
    boxes = sorted(((s, i, b) for i, f in enumerate(found) for b, s, l in f if l == label), key=lambda x: -x[0])
    things = {i: [b for b, l in t if l == label] for i, t in enumerate(truths)}
    total = sum(map(len, things.values()))
    if not total:
        return [None, None]
    taken, tp = set(), []
    for s, i, b in boxes:
        best = max(range(len(things[i])), key=lambda k: iou(b, things[i][k]), default=None)
        ok = best is not None and iou(b, things[i][best]) >= 0.5 and (i, best) not in taken
        if ok:
            taken.add((i, best))
        tp.append(ok)
    recall = np.cumsum(tp) / total
    precision = np.cumsum(tp) / np.arange(1, len(tp) + 1)
    eleven = float(np.mean([max(precision[recall >= t], default=0.0) for t in np.arange(11) / 10]))
    mrec, mpre = np.concatenate([[0], recall, [1]]), np.concatenate([[0], precision, [0]])
    mpre = np.maximum.accumulate(mpre[::-1])[::-1]
    steps = np.where(mrec[1:] != mrec[:-1])[0]
    return [float(np.sum((mrec[steps + 1] - mrec[steps]) * mpre[steps + 1])), eleven]


cases = [case(k) for k in range(1000)]
given = [w if k // 4 % 2 == 1 else None for k, (_, _, w) in enumerate(cases)]
float32 = [digest(*package_wbf(k, c[1], w)) for k, (c, w) in enumerate(zip(cases, given))]
start = time.perf_counter()
for k, (c, w) in enumerate(zip(cases, given)):
    package_wbf(k, c[1], w)
seconds = time.perf_counter() - start
print(f"weighted_boxes_fusion: {1e6 * seconds / len(cases):.1f} microseconds a picture")
wbf.np = nmw.np = Doubles()
fused = {"wbf": [], "nms": [], "soft_nms_linear": [], "soft_nms": [], "nmw": []}
for k, (c, w) in enumerate(zip(cases, given)):
    fused["wbf"].append(digest(*package_wbf(k, c[1], w)))
    fused["nmw"].append(digest(*nmw.non_maximum_weighted(*lists(c[1]), weights=w, iou_thr=[0.4, 0.55, 0.7][k % 3],
        skip_box_thr=0.1 if k % 5 == 0 else 0.0)))
    for name, method in (("nms", 3), ("soft_nms_linear", 1), ("soft_nms", 2)):
        fused[name].append(digest(*package_nms(k, c[1], w, method)))
sets = [pictures(k) for k in range(40)]
result = {"fused": fused, "float32": float32, "coco": [coco(*s) for s in sets], "voc": [[voc(*s, l) for l in range(CLASSES)] for s in sets]}
path = Path(__file__).with_name("boxes.json")
path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
print(path, path.stat().st_size, "bytes")
