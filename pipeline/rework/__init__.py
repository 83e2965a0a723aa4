"""Work on rows that are already stored: refresh, reprocess, replay, repair."""
