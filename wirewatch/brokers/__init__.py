"""The log that stages meet through, behind one interface."""
