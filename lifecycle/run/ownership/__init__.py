"""What a run made: the one answer to "is this ours", and the only writer of the ledger."""
