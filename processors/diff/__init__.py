"""The diff: what is new, edited, withdrawn or restored, and how we know. Pure: time is the snapshot's own."""
