"""What every Delta table here is created with, whichever engine creates it."""

TABLE_PROPERTIES = {
    "delta.enableDeletionVectors": "false",
    # Who opens a table reads all commits since the last checkpoint. Left alone, Spark makes one every ten commits and
    # deltalake one every hundred: by then each opening takes ten times as long.
    "delta.checkpointInterval": "10",
}
