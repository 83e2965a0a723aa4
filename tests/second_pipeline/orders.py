"""A shop's tables: another pipeline for the same engine."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that Spark code uses everywhere

from pipeline import materialized_view, read, read_files, read_stream, table, temporary_view


@table(comment="Orders as they were sent")
def raw_orders() -> DataFrame:
    return read_files("orders", schema_hints="order_id STRING, customer STRING, amount DOUBLE, paid BOOLEAN")


@temporary_view(comment="Orders that somebody has paid for")
def paid_orders() -> DataFrame:
    return read_stream("raw_orders").where(F.col("paid"))


@table(comment="Paid orders, rounded; a wrong currency stops everything", expectations="orders")
def orders() -> DataFrame:
    return read_stream("paid_orders").select("order_id", "customer", F.round("amount", 2).alias("amount"))


@materialized_view(comment="What each customer has spent")
def spent_by_customer() -> DataFrame:
    spent = F.round(F.sum("amount"), 2).alias("spent")
    return read("orders").groupBy("customer").agg(spent, F.count(F.lit(1)).alias("orders"))


@materialized_view(comment="Each customer's share of everything: a view of a view and a table")
def share_by_customer() -> DataFrame:
    total = read("orders").agg(F.sum("amount").alias("total"))
    share = F.round(F.col("spent") / F.col("total"), 2).alias("share")
    return read("spent_by_customer").crossJoin(total).select("customer", share)
