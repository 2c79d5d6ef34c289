"""What a run made: whose a thing is, the ledger (its only writer), the clean-up, the sweep."""
