"""Microseconds per point of scikit-learn's isolation forest, scored one point at a time as a tick does: args rounds, points a round."""
import sys
import time

import numpy
from sklearn.ensemble import IsolationForest

rounds, points = int(sys.argv[1]), int(sys.argv[2])
random = numpy.random.default_rng(7)
data = random.normal(size=(4096, 13)).astype(numpy.float32)
forest = IsolationForest(n_estimators=100, max_samples=256, random_state=7).fit(data)
for _ in range(rounds):
    began = time.perf_counter()
    for row in data[:points]:
        forest.score_samples(row.reshape(1, -1))
    print((time.perf_counter() - began) * 1e6 / points)
